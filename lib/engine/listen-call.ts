/**
 * What Fastify's call of `listen()` brings that does not count here, and what Fastify and the system do not say of several
 * endpoints.
 */
import { errors } from '../errors.js'
import type { Listener } from '../layers/listener.js'
import { ownAddressError } from '../transports/listening.js'
import { conflictBetween } from '../transports/places.js'
import type { EndpointLog } from '../../types/log.js'

/**
 * For the host localhost, which is its default, Fastify looks up all addresses when the server
 * listens, to make a second server for each; if the app is closed meanwhile, it fails to find the
 * address of the first, outside of any promise. An address needs no looking up.
 */
export function avoidSecondaryServers (options: unknown): void {
  if (typeof options === 'object' && options !== null && 'host' in options && options.host === 'localhost') options.host = '127.0.0.1'
}

/** Fastify fills in port 0 and localhost by itself; only what the app wrote is worth a line. */
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
  log?.info({ ignored, endpoints }, 'the endpoint decides where the app listens; what listen() was given is ignored')
}

/** Fastify prints where the first listener listens; these are the others. */
export function logOtherAddresses (listeners: readonly Listener[], log: EndpointLog): void {
  for (const { address, endpoint, tls } of listeners.slice(1)) {
    const at = typeof address === 'object' && address !== null
      ? `${tls === undefined ? 'http' : 'https'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
      : address ?? endpoint.description
    log.info({ endpoint: endpoint.description }, `Server listening at ${at}`)
  }
}

/**
 * The system says only that a place is taken, and not that it is by another endpoint of the app.
 * @param reason why `listener` could not be opened
 */
export function explainTaken (reason: unknown, { endpoint }: Listener, listeners: readonly Listener[]): unknown {
  if (!(reason instanceof errors.FST_ENDPOINT_ADDRESS_IN_USE || reason instanceof errors.FST_ENDPOINT_SOCKET_LOCKED)) return reason
  for (const { endpoint: other } of listeners) {
    const advice = other === endpoint ? undefined : conflictBetween(endpoint, other)
    if (advice !== undefined) return ownAddressError(endpoint.description, other.description, advice, reason)
  }
  return reason
}
