/**
 * The TLSSocket of a client, as the app sees it: it says of the client what the gate has decided.
 *
 * A tls.Server of Node would set `authorized` and `authorizationError`. And what it shows of the client's
 * certificate it asks OpenSSL anew, in calls that lose memory or end the process on what a client may send. Here it
 * is the certificate that was judged, and nothing of it is made before somebody asks.
 */
import type { X509Certificate } from 'node:crypto'
import { type DetailedPeerCertificate, type PeerCertificate, TLSSocket } from 'node:tls'
import { parseCertificate } from '../x509/parsed-certificate.js'
import { legacyCertificate, legacyPath } from '../x509/legacy-certificate.js'
import type { Admission, Refusal } from './verdict.js'

/** What Node says of a client that was asked for a certificate and has sent none. */
const WITHOUT_CERTIFICATE = 'UNABLE_TO_GET_ISSUER_CERT'

export class ClientSocket extends TLSSocket {
  #admission: Admission | undefined

  /**
   * The gate lets it in. Static, like the other, since an app has no use for it.
   * @param asked whether the client was asked for a certificate
   */
  static admit (socket: ClientSocket, admission: Admission, asked: boolean): void {
    socket.#admission = admission
    socket.authorized = admission.certificate !== undefined
    if (asked && !socket.authorized) socket.#say(WITHOUT_CERTIFICATE)
  }

  /** The gate does not let it in, or not any more. */
  static refuse (socket: ClientSocket, { reason }: Refusal): void {
    socket.authorized = false
    socket.#say(reason)
  }

  /** Node's types call it an error; it is the code of one. */
  #say (code: string): void {
    Object.assign(this, { authorizationError: code })
  }

  /**
   * The certificate that was judged, in Node's form: `{}` where there is none, `null` once the socket is gone.
   * @param detailed whether each certificate has its issuer as `issuerCertificate`, as far as the gate knows the path
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

  /** Those of the first path up to its anchor, as far as it is known: of a resumed session it may be not. */
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
