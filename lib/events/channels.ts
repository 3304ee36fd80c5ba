/**
 * What happens to clients and to the list of revoked certificates, told to whoever subscribes with
 * node:diagnostics_channel. Without a subscriber it costs nothing.
 */
import { channel } from 'node:diagnostics_channel'
import type { X509Certificate } from 'node:crypto'
import type { RevocationOrigin } from '../../types/revocation.js'

/** Message of `fastify-endpoint:client:refused` and `fastify-endpoint:connection:cut`. */
export interface ClientEvent {
  /** The endpoint string. */
  readonly endpoint: string
  /** The alert that says why, by its name in RFC 8446 section 6.2. */
  readonly reason: string
  /** What OpenSSL or the gate said. */
  readonly detail: string
  /** Undefined where the client sent none. */
  readonly certificate: X509Certificate | undefined
  /** What revokes it: the list, its line, the file. */
  readonly source: RevocationOrigin | undefined
  readonly remoteAddress: string | undefined
  /** Whether the client was told by an alert. Not in `connection:cut`. */
  readonly alerted?: boolean
}

/** Message of `fastify-endpoint:revocation:swapped`. */
export interface SwapEvent {
  readonly endpoint: string
  readonly generation: number
  /** Entries of the set in force. */
  readonly size: number
}

/** Message of `fastify-endpoint:revocation:failed`. */
export interface FailureEvent {
  readonly endpoint: string
  readonly problems: readonly Error[]
}

export const clientRefused = channel('fastify-endpoint:client:refused')
export const connectionCut = channel('fastify-endpoint:connection:cut')
export const revocationSwapped = channel('fastify-endpoint:revocation:swapped')
export const revocationFailed = channel('fastify-endpoint:revocation:failed')
