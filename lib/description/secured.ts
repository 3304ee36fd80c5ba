/** The endpoints that speak TLS. */
import type { Endpoint, SslEndpoint, TlsEndpoint } from '../../types/endpoint.js'

export type SecuredEndpoint = SslEndpoint | TlsEndpoint

export function isSecured (endpoint: Endpoint): endpoint is SecuredEndpoint {
  return endpoint.type === 'ssl' || endpoint.type === 'tls'
}
