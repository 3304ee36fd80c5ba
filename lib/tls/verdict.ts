/** The verdict of the gate on a client. */
import type { X509Certificate } from 'node:crypto'
import type { RevocationMatch } from '../../types/revocation.js'
import type { CertificatePath } from './path.js'
import type { RefusalReason } from './refusal-reason.js'

export interface Refusal {
  readonly admitted: false
  readonly reason: RefusalReason
  /** Details from OpenSSL or the gate. Never sent to the client. */
  readonly detail: string
  /** Parsed on demand; undefined if there is none, or it cannot be parsed. */
  readonly certificate: X509Certificate | undefined
  /** The entry that revokes the certificate, or another one of its path. */
  readonly match?: RevocationMatch
  /** The names that no rule matches, as rules write them. Present if that is the reason. */
  readonly names?: readonly string[]
  /** How many rules match it nevertheless. Their issuers are not in its path, or they are too many. */
  readonly matches?: number
}

export interface Admission {
  readonly admitted: true
  /** The certificate that was judged; undefined if none was asked for or, with verify=optional, none was sent. */
  readonly certificate: X509Certificate | undefined
  /**
   * The certificate's paths. Undefined for a resumed session whose full handshake is forgotten: only the leaf is known, and the
   * admission ends when the rules change.
   */
  readonly paths: readonly CertificatePath[] | undefined
  /** When the admission expires, in milliseconds since 1970. */
  readonly deadline: number
  /** Number of the rules under which it was given; see `Gate.changeRules`. */
  readonly rules: number
  /** What the rules of `allowedFile` give it. */
  readonly roles: readonly string[]
}

export type Verdict = Admission | Refusal
