/** The endpoint that haproxy: wraps, for code that PROXY headers do not concern. */
import type { Endpoint, HaproxyEndpoint } from '../../types/endpoint.js'

/** An endpoint that opens its own port, path or descriptor. */
export type UnwrappedEndpoint = Exclude<Endpoint, HaproxyEndpoint>

/** The endpoint that opens the port, under the name of the whole string: errors and log lines show what was written. */
export function unwrap (endpoint: Endpoint): UnwrappedEndpoint {
  return endpoint.type === 'haproxy' ? { ...endpoint.wrapped, description: endpoint.description } : endpoint
}
