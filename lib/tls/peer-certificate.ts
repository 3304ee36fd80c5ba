/**
 * Reads the client's certificate from the session of its handshake.
 *
 * `getPeerX509Certificate` would return it with the whole chain. But Node 20 to 26 leak a native copy of each certificate
 * of it, so that a stranger could fill the memory. Other calls for the chain crash the process if a certificate has an
 * elliptic curve without a NIST name (Node 24.21 and 26.10). The session holds only the client's own certificate: before any
 * verdict, whatever OpenSSL says about it, in full and in resumed handshakes.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { DerCursor, INTEGER, SEQUENCE } from '../x509/der.js'
import { parseCertificate } from '../x509/parsed-certificate.js'

/** OpenSSL's SSL_SESSION in DER holds the peer's certificate under this tag, [3] EXPLICIT (ssl_asn1.c). */
const PEER = 0xa3
/** SSL_SESSION_ASN1_VERSION: the only one that OpenSSL has written since 1998. */
const SESSION_VERSION = 1

/** A client's own certificate, identified by all of its bytes, and parsed on demand. */
export class PeerCertificate {
  /** All of its bytes, one per character: making this string is faster than hashing. */
  readonly key: string
  #der: Buffer | undefined
  #x509: X509Certificate | undefined

  constructor (key: string) {
    this.key = key
  }

  get der (): Buffer {
    if (this.#der === undefined) {
      // Not from Node's pool: a remembered certificate would keep eight kilobytes of it.
      this.#der = Buffer.allocUnsafeSlow(this.key.length)
      this.#der.write(this.key, 'latin1')
    }
    return this.#der
  }

  /** @throws OpenSSL's error for bytes that are no certificate */
  get x509 (): X509Certificate {
    this.#x509 ??= parseCertificate(this.der)
    return this.#x509
  }
}

/**
 * The client's certificate of a finished handshake. Takes about 10 µs.
 *
 * @returns undefined if the client sent none
 * @throws if the session cannot be read, so that nobody knows whether it sent one
 */
export function peerCertificateOf (socket: TLSSocket): PeerCertificate | undefined {
  const session = socket.getSession()
  if (session === undefined) throw new Error('the handshake has no session')
  try {
    return findPeer(session)
  } catch {
    throw new Error('the session of the handshake cannot be read')
  } finally {
    // The session holds the master secret.
    session.fill(0)
  }
}

function findPeer (session: Buffer): PeerCertificate | undefined {
  const element = new DerCursor().expectTag(session, 0, session.length, SEQUENCE)
  const { end } = element
  let offset = element.expectTag(session, element.content, end, INTEGER).end
  const isKnown = offset - element.content === 1 && session[element.content] === SESSION_VERSION
  if (end !== session.length || !isKnown) {
    throw new Error('another format')
  }
  for (; offset < end; offset = element.end) {
    if (element.read(session, offset, end).tag !== PEER) continue
    return new PeerCertificate(session.toString('latin1', element.content, element.end))
  }
  return undefined
}
