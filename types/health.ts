/** What `app.endpoint.health()` returns. docs/errors.md gives the cause and the remedy of each code. */
import type { ErrorCode } from '../lib/errors.js'

/** Why an app is not `ready`. */
export type HealthReasonCode =
  /** The endpoint is not open: the app does not listen yet, or is closing. */
  | 'not_listening'
  /** New keys, certificates, authorities or DH parameters are wrong. The previous ones are in force. */
  | 'credentials_failed'
  /** ACME gave no certificate. The message quotes the directory; the certificate in force stays in force. */
  | 'acme_failed'
  /** A line of the revocation list, or a file or source that it names, is wrong. What it revoked stays revoked. */
  | 'revocations_failed'
  /** The revocation list is missing, empty or unreadable. What it revoked stays revoked. */
  | 'list_unreadable'
  /** The allowed list cannot be read, or a line of it is wrong. The rules from before stay in force. */
  | 'allowed_failed'
  /** Something that revoked a certificate is gone, or has kept changing for a minute. What it revoked stays revoked. */
  | 'revocations_held'
  /** A certificate of the server, or an authority, expires soon. */
  | 'certificate_expires_soon'
  /** A certificate of the server, or an authority, has expired. */
  | 'certificate_expired'
  /** The nextUpdate of a CRL is near (RFC 5280 section 5.1.2.5). */
  | 'crl_expires_soon'
  /** The nextUpdate of a CRL has passed. */
  | 'crl_expired'

/** One reason. There is at most one for each code and endpoint. */
export interface HealthReason {
  /** What kind of reason it is. */
  readonly code: HealthReasonCode
  /** One sentence for an operator, the same as in the log. It may name paths, never the content of a file. */
  readonly message: string
  /** The endpoint string. */
  readonly endpoint: string
  /** How many problems the reason stands for. The other members describe the first, or the one that expires first. */
  readonly count: number
  /** The code of the error behind it, if there is one. */
  readonly error?: ErrorCode
  /** The path of the file that is wrong, or that expires. */
  readonly file?: string
  /** The line of that file, from 1. */
  readonly line?: number
  /** When the certificate or the CRL expires, or when it expired. */
  readonly ends?: Date
}

/** The health of an app. */
export interface EndpointHealth {
  /**
   * - `ready`: all is well.
   * - `degraded`: clients are served with the last good files, and an operator should read the reasons.
   * - `unready`: not all endpoints are open.
   */
  readonly status: 'ready' | 'degraded' | 'unready'
  /** Empty if and only if the status is `ready`. */
  readonly reasons: readonly HealthReason[]
}
