/**
 * An endpoint that asks nobody for a certificate, beside one that demands one of everybody: all routes of the app are
 * routes of both, so that what the second keeps strangers from is open on the first.
 */
import type { Listener } from './listener.js'
import type { EndpointLog } from '../../types/log.js'

/** ::ffff: is how a socket for both families shows an address of IPv4. */
const LOOPBACK = /^(?:::ffff:)?127\.|^::1$/

/**
 * Warns of endpoints that are open. Only one that other machines can reach is worth a line at each start: one on a unix
 * socket or the loopback interface is for programs on this machine, unless a proxy brings others there.
 */
export function warnInTheClear (listeners: readonly Listener[], log: EndpointLog): void {
  const demanding = listeners.find(({ admitsAnonymous }) => !admitsAnonymous)
  if (demanding === undefined) return
  for (const { endpoint, judgesClients, address, proxy } of listeners) {
    const isLocal = typeof address !== 'object' || address === null || LOOPBACK.test(address.address)
    if (judgesClients || (isLocal && proxy === undefined)) continue
    log.warn({ endpoint: endpoint.description, demanding: demanding.endpoint.description, see: 'docs/operating.md#probes' },
      'clients without a certificate reach all routes of the app by this endpoint, unless a hook restricts them')
  }
}
