/**
 * The certificate that a client has shown, read out of the session of its handshake.
 *
 * `getPeerX509Certificate` would give it together with what the client sent behind it. But Node 20 to 26 lose a
 * native copy of each certificate that they give in that way, so that a stranger could fill the memory.
 * The other calls that give the chain end the process where a certificate in it has an elliptic curve without a NIST
 * name (Node 24.21 and 26.10). The session holds the client's own certificate alone, before any verdict, whatever
 * OpenSSL says of it, in full and in resumed handshakes.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { DerCursor, INTEGER, SEQUENCE } from '../x509/der.js'
import { parseCertificate } from '../x509/parsed-certificate.js'

/** OpenSSL's SSL_SESSION in DER holds the peer's certificate under this tag, [3] EXPLICIT (ssl_asn1.c). */
const PEER = 0xa3
/** SSL_SESSION_ASN1_VERSION: the only one that OpenSSL has written since 1998. */
const SESSION_VERSION = 1

/** A client's own certificate. It is known by all of its bytes, and parsed when somebody first asks for it. */
export class PeerCertificate {
  /** All of its bytes, one a character: a string of them takes less time to make than a hash. */
  readonly key: string
  #der: Buffer | undefined
  #x509: X509Certificate | undefined

  constructor (key: string) {
    this.key = key
  }

  get der (): Buffer {
    if (this.#der === undefined) {
      // Not from Node's pool: what is remembered of it would keep eight kilobytes.
      this.#der = Buffer.allocUnsafeSlow(this.key.length)
      this.#der.write(this.key, 'latin1')
    }
    return this.#der
  }

  /** @throws what OpenSSL throws for bytes that are no certificate */
  get x509 (): X509Certificate {
    this.#x509 ??= parseCertificate(this.der)
    return this.#x509
  }
}

/**
 * The certificate of the client of a finished handshake. Takes some 10 µs.
 *
 * @returns undefined where the client has sent none
 * @throws where the session cannot be read, and so nobody knows whether it has sent one
 */
export function peerCertificateOf (socket: TLSSocket): PeerCertificate | undefined {
  const session = socket.getSession()
  if (session === undefined) throw new Error('the handshake has no session')
  try {
    return findPeer(session)
  } catch {
    throw new Error('the session of the handshake cannot be read')
  } finally {
    // It holds the master secret.
    session.fill(0)
  }
}

function findPeer (session: Buffer): PeerCertificate | undefined {
  const element = new DerCursor().expectTag(session, 0, session.length, SEQUENCE)
  const { end } = element
  let place = element.expectTag(session, element.content, end, INTEGER).end
  if (end !== session.length || place - element.content !== 1 || session[element.content] !== SESSION_VERSION) throw new Error('another format')
  for (; place < end; place = element.end) {
    if (element.read(session, place, end).tag === PEER) return new PeerCertificate(session.toString('latin1', element.content, element.end))
  }
  return undefined
}
