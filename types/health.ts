/** What `app.endpoint.health()` gives. */
import type { ErrorCode } from '../lib/errors.js'

/** What an operator is told of. */
export type HealthReasonCode =
  /** The endpoint is not open: the app does not listen yet, or is closing. */
  | 'not_listening'
  /** Keys, certificates, authorities or DH parameters cannot be taken as they stand; those from before are in force. */
  | 'credentials_failed'
  /** A file that the revocation list names, or a line of it, cannot be taken as it stands; what it revoked before stays revoked. */
  | 'revocations_failed'
  /** The revocation list itself has disappeared, cannot be read, or has become empty; what it revoked before stays revoked. */
  | 'list_unreadable'
  /**
   * What revoked somebody is gone, or changes again and again, and stays in force: a CRL whose file was removed, a
   * file or a folder that does not come to rest.
   */
  | 'revocations_held'
  /** One of the endpoint's own certificates, or of its authorities, comes to its end. */
  | 'certificate_expires_soon'
  | 'certificate_expired'
  /** A CRL comes to its nextUpdate. */
  | 'crl_expires_soon'
  | 'crl_expired'

/** One reason for each code and endpoint. */
export interface HealthReason {
  readonly code: HealthReasonCode
  /** One sentence for an operator, as it stands in the log. It may hold paths, never what a file holds. */
  readonly message: string
  /** The endpoint string. */
  readonly endpoint: string
  /** How many of them there are; what else is here is of the first, or of the one that ends first. */
  readonly count: number
  /** The code of the error, where there is one. */
  readonly error?: ErrorCode
  readonly file?: string
  /** The line of that file, from 1. */
  readonly line?: number
  /** When the certificate or the CRL ends, or has ended. */
  readonly ends?: Date
}

/** What `app.endpoint.health()` gives. */
export interface EndpointHealth {
  /**
   * `ready`: all is well. `degraded`: clients are served, by what was good last, and somebody should look at
   * the reasons. `unready`: not all endpoints are open.
   */
  readonly status: 'ready' | 'degraded' | 'unready'
  /** Empty if and only if the status is `ready`. */
  readonly reasons: readonly HealthReason[]
}
