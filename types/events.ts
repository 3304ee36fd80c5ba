/**
 * The messages of the channels of node:diagnostics_channel:
 *
 * | channel | message |
 * |---|---|
 * | `fastify-endpoint:client:refused` | {@link ClientEvent} |
 * | `fastify-endpoint:connection:cut` | {@link ClientEvent} |
 * | `fastify-endpoint:revocation:swapped` | {@link SwapEvent} |
 * | `fastify-endpoint:revocation:failed` | {@link FailureEvent} |
 */
import type { X509Certificate } from 'node:crypto'
import type { RevocationOrigin } from './revocation.js'

/**
 * A client was rejected in its handshake, or its open connection was closed: the message of
 * `fastify-endpoint:client:refused` and `fastify-endpoint:connection:cut`.
 */
export interface ClientEvent {
  /** The endpoint string. */
  readonly endpoint: string
  /** The TLS alert that says why, by its name in RFC 8446 section 6.2, for example `certificate_revoked`. */
  readonly reason: string
  /** The reason as text, from OpenSSL or the gate. */
  readonly detail: string
  /** The certificate of the client; undefined if it sent none. */
  readonly certificate: X509Certificate | undefined
  /** The list, line, file or source that revokes it; undefined if it was rejected for another reason. */
  readonly source: RevocationOrigin | undefined
  /** The first ten names in the certificate, as rules of `allowedFile` write them; only with the reason `access_denied`. */
  readonly names?: readonly string[]
  /** The IP address of the client; undefined on a unix socket. */
  readonly remoteAddress: string | undefined
  /** Whether an alert told the client why. Absent in `fastify-endpoint:connection:cut`. */
  readonly alerted?: boolean
}

/** A new set of revocations is in force: the message of `fastify-endpoint:revocation:swapped`. */
export interface SwapEvent {
  /** The endpoint string. */
  readonly endpoint: string
  /** The number of the set, from 1 since the start of the app. */
  readonly generation: number
  /** Entries in the set, with those of CRLs. */
  readonly size: number
}

/** A load of the revocation list found new problems: the message of `fastify-endpoint:revocation:failed`. */
export interface FailureEvent {
  /** The endpoint string. */
  readonly endpoint: string
  /** All problems of that load. Each has a code: see `errors`. */
  readonly problems: readonly Error[]
}
