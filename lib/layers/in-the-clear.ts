/**
 * Warns of an endpoint without client certificates beside one that requires them. Both serve all routes of the app, so
 * through the first, strangers reach what the second protects.
 */
import type { Listener } from './listener.js'
import type { EndpointLog } from '../../types/log.js'

/** A dual-stack socket shows IPv4 addresses with ::ffff:. */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/

/**
 * Logs one warning for each such endpoint that other machines can reach. A unix socket or the loopback interface serves
 * programs on this machine only, unless a proxy relays others to it.
 */
export function warnInTheClear (listeners: readonly Listener[], log: EndpointLog): void {
  const demanding = listeners.find(({ admitsAnonymous }) => !admitsAnonymous)
  if (demanding === undefined) return
  for (const { endpoint, judgesClients, address, proxy } of listeners) {
    const isLocal = typeof address !== 'object' || address === null || LOOPBACK.test(address.address)
    if (judgesClients || (isLocal && proxy === undefined)) continue
    log.warn({ endpoint: endpoint.description, demanding: demanding.endpoint.description, see: 'docs/operating.md#probes' },
      'this endpoint serves all routes to clients without a certificate, unless a hook restricts them')
  }
}
