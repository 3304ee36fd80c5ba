/** Rejects a route whose restriction has a wrong name: the route would be open to everybody. */
import type { RouteOptions } from 'fastify'
import { errors } from '../errors.js'

/** Fastify accepts any member in `config`, so TypeScript does not find a misspelt name. */
type Config = Record<string, unknown> | undefined

/**
 * @throws FST_ENDPOINT_ROUTE_CONFIG if the config or the route has a restriction anywhere but in `config.endpoint`
 */
export function rejectMisspeltDemand (route: RouteOptions, config: unknown): void {
  const { endpoint: _endpoint, ...others } = config as Config ?? {}
  const { endpoint, clientCertificate, allow } = route as unknown as Record<string, unknown>
  const found = misspelt('config', others) ?? misspelt('', { endpoint, clientCertificate, allow })
  if (found === undefined) return
  const { method, url } = route
  throw new errors.FST_ENDPOINT_ROUTE_CONFIG(String(method), url, found.name, found.demand)
}

function misspelt (place: string, members: Record<string, unknown>): { name: string, demand: string } | undefined {
  for (const [name, value] of [['', members], ...Object.entries(members)] as const) {
    const demand = demandOf(value)
    if (demand === undefined) continue
    return { name: [place, name, demand].filter((part) => part !== '').join('.'), demand: FORMS[demand] }
  }
  return undefined
}

const FORMS = { clientCertificate: '{ clientCertificate: \'required\' }', allow: '{ allow: [...] }' }

/** Matches patterns of ours, which lists of other plugins cannot contain. */
const PATTERN = /^(?:role|uri|dns|email|ip|cn|tbs|spki):./

function demandOf (value: unknown): keyof typeof FORMS | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { clientCertificate, allow } = value as { clientCertificate?: unknown, allow?: unknown }
  if (clientCertificate === 'required') return 'clientCertificate'
  return Array.isArray(allow) && allow.some((pattern) => typeof pattern === 'string' && PATTERN.test(pattern)) ? 'allow' : undefined
}
