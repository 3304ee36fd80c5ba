/** Which challenges an app can answer for an endpoint, and which of them first. */
import type { UnwrappedEndpoint } from '../description/index.js'
import { errors, located } from '../errors.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { ChallengeType } from './order.js'

/** Validators connect to these ports (RFC 8737 section 3, RFC 8555 section 8.3). */
const TLS_PORT = 443
const HTTP_PORT = 80

/** The TCP port in the string; undefined for an inherited socket, a unix socket, or any free port. */
export function portOf (endpoint: UnwrappedEndpoint): number | undefined {
  if (endpoint.type === 'tls' && endpoint.transport !== undefined) return portOf(endpoint.transport)
  return 'port' in endpoint && endpoint.port !== 0 ? endpoint.port : undefined
}

/** The endpoints that can answer http-01. */
export function plainEndpoints (endpoints: readonly UnwrappedEndpoint[]): UnwrappedEndpoint[] {
  return endpoints.filter(({ type }) => type !== 'tls' && type !== 'ssl' && type !== 'stdio')
}

/**
 * The types of challenges, the preferred one first: tls-alpn-01, unless only a plain endpoint has the port that validators
 * connect to.
 * @param endpoints all of the app
 * @throws FST_ENDPOINT_ACME_CHALLENGE if the endpoint demands http-01 and there is no plain endpoint
 */
export function challengeTypes (endpoint: TlsEndpoint, endpoints: readonly UnwrappedEndpoint[]): ChallengeType[] {
  const { description, acme } = endpoint
  const plain = plainEndpoints(endpoints)
  if (acme?.challenge === 'http-01' && plain.length === 0) {
    throw located(new errors.FST_ENDPOINT_ACME_CHALLENGE(description), { endpoint: description, argument: 'acmeChallenge' })
  }
  if (acme?.challenge !== undefined) return [acme.challenge]
  if (plain.length === 0) return ['tls-alpn-01']
  const isHttpLikelier = (portOf(endpoint) ?? TLS_PORT) !== TLS_PORT && plain.some((other) => (portOf(other) ?? HTTP_PORT) === HTTP_PORT)
  return isHttpLikelier ? ['http-01', 'tls-alpn-01'] : ['tls-alpn-01', 'http-01']
}

/** Warnings if validators would connect to a port that this app does not have; empty if the ports are right or unknown. */
export function warningsOfPorts (endpoint: TlsEndpoint, endpoints: readonly UnwrappedEndpoint[]): string[] {
  const [first] = challengeTypes(endpoint, endpoints)
  if (first === 'tls-alpn-01') {
    const port = portOf(endpoint)
    if (port === undefined || port === TLS_PORT) return []
    const advice = 'forward port 443 to it, or add a plain endpoint on port 80'
    return [`tls-alpn-01 validators connect to port 443, but this endpoint is on port ${port}: ${advice}`]
  }
  const ports = plainEndpoints(endpoints).map(portOf)
  return ports.some((port) => port === undefined || port === HTTP_PORT)
    ? []
    : [`http-01 validators connect to port 80, but the app has plain endpoints on port ${ports.join(', ')}: forward port 80 to one`]
}
