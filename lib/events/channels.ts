/**
 * The channels of node:diagnostics_channel on which an app can follow rejected clients and reloads of the revocation list.
 * types/events.ts has their messages. Without a subscriber they cost nothing.
 */
import { channel } from 'node:diagnostics_channel'

export const clientRefused = channel('fastify-endpoint:client:refused')
export const connectionCut = channel('fastify-endpoint:connection:cut')
export const revocationSwapped = channel('fastify-endpoint:revocation:swapped')
export const revocationFailed = channel('fastify-endpoint:revocation:failed')
