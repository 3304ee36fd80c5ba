/**
 * The TLSSocket of a client that the app sees. It shows the verdict of the gate.
 *
 * Node's tls.Server would set `authorized` and `authorizationError`. Node's methods for the client's certificate ask OpenSSL
 * each time, in calls that leak memory, or crash on what a client may send. Here they return the certificate that was judged,
 * and create their results on demand.
 */
import type { X509Certificate } from 'node:crypto'
import { type DetailedPeerCertificate, type PeerCertificate, TLSSocket } from 'node:tls'
import { parseCertificate } from '../x509/parsed-certificate.js'
import { legacyCertificate, legacyPath } from '../x509/legacy-certificate.js'
import { HANDSHAKE_ERROR } from './undocumented.js'
import type { Admission, Refusal } from './verdict.js'

/** Node's code for a client that was asked for a certificate and sent none. */
const WITHOUT_CERTIFICATE = 'UNABLE_TO_GET_ISSUER_CERT'

/** What a handshake does when its socket has news. */
export interface HandshakeSteps {
  /** OpenSSL has done its last step. */
  decide (): void
  /** The handshake has failed; without an error, the client has left. */
  fail (error?: Error): void
}

export class ClientSocket extends TLSSocket {
  #admission: Admission | undefined
  /** Undefined before and after the handshake. */
  #steps: HandshakeSteps | undefined

  /** The handshake begins. */
  static begin (socket: ClientSocket, steps: HandshakeSteps): void {
    socket.#steps = steps
    socket.on('secure', decide)
    socket.on('close', leave)
    socket.on(HANDSHAKE_ERROR, fail)
  }

  /** The handshake has ended. Its listeners stay, since removing them takes longer than making them; they do nothing more. */
  static end (socket: ClientSocket): void {
    socket.#steps = undefined
  }

  /** The handshake that is under way. */
  static stepsOf (socket: ClientSocket): HandshakeSteps | undefined {
    return socket.#steps
  }

  /**
   * The gate has admitted the client. Static, as `refuse` is, to keep it out of the app's socket.
   * @param asked whether the client was asked for a certificate
   */
  static admit (socket: ClientSocket, admission: Admission, asked: boolean): void {
    socket.#admission = admission
    socket.authorized = admission.certificate !== undefined
    if (asked && !socket.authorized) socket.#setError(WITHOUT_CERTIFICATE)
  }

  /** The gate has refused the client, or withdrawn its admission. */
  static refuse (socket: ClientSocket, { reason }: Refusal): void {
    socket.authorized = false
    socket.#setError(reason)
  }

  /** Node's types say that it is an error; in fact it is a code. */
  #setError (code: string): void {
    Object.assign(this, { authorizationError: code })
  }

  /**
   * The certificate that was judged, in Node's form: `{}` if there is none, `null` after the socket was destroyed.
   * @param detailed whether each certificate gets its issuer as `issuerCertificate`, as far as the gate knows the path
   */
  override getPeerCertificate (detailed: true): DetailedPeerCertificate
  override getPeerCertificate (detailed?: false): PeerCertificate
  override getPeerCertificate (detailed?: boolean): PeerCertificate | DetailedPeerCertificate
  override getPeerCertificate (detailed?: boolean): PeerCertificate {
    if (this.destroyed) return null as unknown as PeerCertificate
    const certificate = this.#admission?.certificate
    if (certificate === undefined) return {} as PeerCertificate
    return detailed === true ? legacyPath([certificate, ...this.#issuers()]) : legacyCertificate(certificate)
  }

  /** The certificate that was judged; `request.clientCertificate` is the same. */
  override getPeerX509Certificate (): X509Certificate | undefined {
    return this.destroyed ? undefined : this.#admission?.certificate
  }

  /** The server's own certificate, in the same form. */
  override getCertificate (): PeerCertificate | object | null {
    if (this.destroyed) return null
    const own = this.getX509Certificate()
    return own === undefined ? {} : legacyCertificate(own)
  }

  /** The issuers of the first path, up to its anchor. Empty if the path is not known, as in some resumed sessions. */
  #issuers (): X509Certificate[] {
    const [path] = this.#admission?.paths ?? []
    if (path?.anchor === undefined) return []
    const { certificates, anchor } = path
    const [, ...intermediates] = certificates
    // A pinned certificate is its own anchor.
    const issuers = anchor.tbs === certificates[0]?.tbs ? intermediates : [...intermediates, anchor]
    return issuers.map(({ der }) => parseCertificate(der))
  }
}

/** Listeners of all sockets. */
function decide (this: ClientSocket): void {
  ClientSocket.stepsOf(this)?.decide()
}

function leave (this: ClientSocket): void {
  ClientSocket.stepsOf(this)?.fail()
}

function fail (this: ClientSocket, error: Error): void {
  ClientSocket.stepsOf(this)?.fail(error)
}
