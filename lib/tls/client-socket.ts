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
import type { Admission, Refusal } from './verdict.js'

/** Node's code for a client that was asked for a certificate and sent none. */
const WITHOUT_CERTIFICATE = 'UNABLE_TO_GET_ISSUER_CERT'

export class ClientSocket extends TLSSocket {
  #admission: Admission | undefined

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
