/**
 * Adapts Fastify's call of `listen()`, which knows one port, to several endpoints: what to ignore, log and explain.
 */
import { errors } from '../errors.js'
import type { Listener } from '../layers/listener.js'
import { ownAddressError } from '../transports/listening.js'
import { conflictBetween } from '../transports/places.js'
import type { EndpointLog } from '../../types/log.js'

/**
 * Fastify's default host is localhost. For it, Fastify looks up all addresses when the server listens, and makes a second
 * server for each. If the app is closed meanwhile, that throws outside of any promise. An address needs no lookup.
 */
export function avoidSecondaryServers (options: unknown): void {
  if (typeof options === 'object' && options !== null && 'host' in options && options.host === 'localhost') options.host = '127.0.0.1'
}

/** Logs that the arguments of listen() are ignored, but not for port 0 and localhost, which Fastify fills in. */
export function logIgnored (options: unknown, listeners: readonly Listener[], log: EndpointLog | undefined): void {
  if (typeof options !== 'object' || options === null) return
  const { port, host, path } = options as { port?: unknown, host?: unknown, path?: unknown }
  const ignored = {
    ...(port !== 0 && port !== undefined && { port }),
    ...(host !== 'localhost' && host !== undefined && { host }),
    ...(path !== undefined && path !== null && { path })
  }
  if (Object.keys(ignored).length === 0) return
  const endpoints = listeners.map(({ endpoint }) => endpoint.description)
  log?.info({ ignored, endpoints }, 'listen() options ignored: the endpoints decide where the app listens')
}

/** Fastify logs the address of the first listener; this logs the others. */
export function logOtherAddresses (listeners: readonly Listener[], log: EndpointLog): void {
  for (const { address, endpoint, tls } of listeners.slice(1)) {
    const at = typeof address === 'object' && address !== null
      ? `${tls === undefined ? 'http' : 'https'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
      : address ?? endpoint.description
    log.info({ endpoint: endpoint.description }, `Server listening at ${at}`)
  }
}

/**
 * The system does not say whether an address is in use by another endpoint of the same app.
 * @param reason why the endpoint could not be opened
 * @returns the reason, or an error that names the other endpoint
 */
export function explainAddressInUse (reason: unknown, { endpoint }: Listener, listeners: readonly Listener[]): unknown {
  if (!(reason instanceof errors.FST_ENDPOINT_ADDRESS_IN_USE || reason instanceof errors.FST_ENDPOINT_SOCKET_LOCKED)) return reason
  for (const { endpoint: other } of listeners) {
    const advice = other === endpoint ? undefined : conflictBetween(endpoint, other)
    if (advice !== undefined) return ownAddressError(endpoint.description, other.description, advice, reason)
  }
  return reason
}
