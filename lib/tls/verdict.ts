/** What the gate says of a client. */
import type { X509Certificate } from 'node:crypto'
import type { RevocationMatch } from '../../types/revocation.js'
import type { CertificatePath } from './path.js'
import type { RefusalReason } from './refusal-reason.js'

export interface Refusal {
  readonly admitted: false
  readonly reason: RefusalReason
  /** What OpenSSL, or the gate itself, said. Never sent to the client. */
  readonly detail: string
  /** Parsed when it is first asked for; undefined where there is none, or none that can be parsed. */
  readonly certificate: X509Certificate | undefined
  /** What revokes the certificate, or one of its path. */
  readonly match?: RevocationMatch
}

export interface Admission {
  readonly admitted: true
  /** The certificate that was judged; undefined where none was asked for or, under verify=optional, none was sent. */
  readonly certificate: X509Certificate | undefined
  /**
   * The certificate's paths. Undefined where a session was resumed whose full handshake is forgotten:
   * only the leaf is known then, and the admission ends with the rules that it was made under.
   */
  readonly paths: readonly CertificatePath[] | undefined
  /** When it ends by itself, in milliseconds since 1970. */
  readonly deadline: number
  /** The rules that it was made under; see `Gate.changeRules`. */
  readonly rules: number
}

export type Verdict = Admission | Refusal
