/**
 * The gate: who may go on after a TLS handshake, and who of those that are in must leave.
 *
 * OpenSSL's verdict is necessary; the gate only refuses more. It decides synchronously, before a
 * byte of HTTP is read, on every connection, and keeps what it needs to decide again when the set of
 * revoked certificates changes: the paths that were found in the handshake. Whatever throws in here
 * refuses.
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { RevocationSet } from '../revocation/revocation-set.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Authority } from './authorities.js'
import { PathFinder, type CertificatePath } from './path.js'
import { verifyErrorOf } from './undocumented.js'

/** Why a client is refused, named as the alert of RFC 8446 section 6.2 that says so. */
export type RefusalReason = 'bad_certificate' | 'unsupported_certificate' | 'certificate_revoked' | 'certificate_expired' |
  'certificate_unknown' | 'unknown_ca' | 'internal_error' | 'certificate_required'

export interface Refusal {
  readonly admitted: false
  readonly reason: RefusalReason
  /** What OpenSSL, or the gate itself, said. Never sent to the client. */
  readonly detail: string
}

export interface Admission {
  readonly admitted: true
  /** The certificate that was judged; undefined where none was asked for or, under verify=optional, none was sent. */
  readonly certificate: X509Certificate | undefined
  readonly paths: readonly CertificatePath[]
}

export type Verdict = Admission | Refusal

/** Where the gate gets the set in force from: one reference, read anew for each decision. */
export interface RevocationSource {
  readonly set: RevocationSet
  /** Changes with each set that is put in force. */
  readonly generation: number
}

const WITHOUT_CERTIFICATE: Admission = { admitted: true, certificate: undefined, paths: [] }

/** The gate of one TLS endpoint. */
export class Gate {
  readonly #verify: TlsEndpoint['verify']
  readonly #depth: TlsEndpoint['revocationDepth']
  readonly #revocations: RevocationSource | undefined
  readonly #paths: PathFinder

  constructor (policy: Pick<TlsEndpoint, 'verify' | 'revocationDepth'>, authorities: readonly Authority[], revocations?: RevocationSource) {
    this.#verify = policy.verify
    this.#depth = policy.revocationDepth
    this.#revocations = revocations
    this.#paths = new PathFinder(authorities)
  }

  /** The number of the set in force; an admission that was made under it needs no second look. */
  get generation (): number {
    return this.#revocations?.generation ?? 0
  }

  /** Judges the client of a handshake that OpenSSL has just finished. Never throws. */
  judge (socket: TLSSocket): Verdict {
    try {
      return this.#judge(socket)
    } catch (error) {
      return refuse('internal_error', error instanceof Error ? error.message : 'unknown')
    }
  }

  /** Whether the set in force lets a client stay that an earlier one let in. Never throws. */
  stillAdmits ({ paths, certificate }: Admission): boolean {
    try {
      return certificate === undefined || this.#findUnrevoked(paths)
    } catch {
      return false
    }
  }

  #judge (socket: TLSSocket): Verdict {
    if (this.#verify === 'none') return WITHOUT_CERTIFICATE
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) {
      return this.#verify === 'optional' ? WITHOUT_CERTIFICATE : refuse('certificate_required', 'the client sent no certificate')
    }
    const verifyError = verifyErrorOf(socket)
    if (verifyError !== undefined) return refuse(REASONS.get(verifyError) ?? 'certificate_unknown', verifyError)
    const paths = this.#paths.find(certificate)
    if (paths.length === 0) return refuse('unknown_ca', 'no path to an authority')
    if (!this.#findUnrevoked(paths)) return refuse('certificate_revoked', 'every path holds a revoked certificate')
    return { admitted: true, certificate, paths }
  }

  #findUnrevoked (paths: readonly CertificatePath[]): boolean {
    const set = this.#revocations?.set
    if (set === undefined) return true
    const depth = this.#depth
    return paths.some((path) => {
      const judged = depth === 'leaf' ? path.slice(0, 1) : path
      return judged.every((identity) => set.find(identity) === undefined)
    })
  }
}

function refuse (reason: RefusalReason, detail: string): Refusal {
  return { admitted: false, reason, detail }
}

/**
 * OpenSSL's verify results (its man page X509_STORE_CTX_get_error), as Node names them. What Node has
 * no name for, a violated name constraint for example, is certificate_unknown, as with OpenSSL.
 */
const REASONS: ReadonlyMap<string, RefusalReason> = new Map([
  ['CERT_HAS_EXPIRED', 'certificate_expired'],
  ['CERT_NOT_YET_VALID', 'certificate_expired'],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', 'bad_certificate'],
  ['ERROR_IN_CERT_NOT_BEFORE_FIELD', 'bad_certificate'],
  ['CERT_SIGNATURE_FAILURE', 'bad_certificate'],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'bad_certificate'],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'bad_certificate'],
  ['CERT_REJECTED', 'bad_certificate'],
  ['CERT_UNTRUSTED', 'bad_certificate'],
  ['INVALID_PURPOSE', 'unsupported_certificate'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown_ca'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown_ca'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown_ca'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown_ca'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unknown_ca'],
  ['CERT_CHAIN_TOO_LONG', 'unknown_ca'],
  ['PATH_LENGTH_EXCEEDED', 'unknown_ca'],
  ['INVALID_CA', 'unknown_ca']
])
