/** Rejects a route that demands a client certificate under a wrong name: the route would be open to everybody. */
import type { RouteOptions } from 'fastify'
import { errors } from '../errors.js'

/**
 * The hook `onRoute` of the plugin. Fastify lets `config` hold anything, so TypeScript does not see a misspelt name.
 *
 * @throws FST_ENDPOINT_ROUTE_CONFIG if another member than `endpoint` says `clientCertificate: 'required'`
 */
export function rejectMisspeltDemand ({ method, url, config = {} }: RouteOptions): void {
  for (const [name, value] of Object.entries(config as Record<string, unknown>)) {
    if (name === 'endpoint') continue
    const misspelt = isDemand(value) ? `${name}.clientCertificate` : isDemand({ [name]: value }) ? name : undefined
    if (misspelt !== undefined) throw new errors.FST_ENDPOINT_ROUTE_CONFIG(String(method), url, misspelt)
  }
}

function isDemand (value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'clientCertificate' in value && value.clientCertificate === 'required'
}
