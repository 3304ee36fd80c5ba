/**
 * What an endpoint string can say and this version cannot do. It is refused when the app starts:
 * doing something else instead could let in whom the string keeps out.
 */
import type { Endpoint, TlsEndpoint } from '../../types/endpoint.js'
import { errors, located } from '../errors.js'
import { unwrap } from './unwrap.js'

/**
 * Refuses the arguments that come later.
 *
 * @throws FST_ENDPOINT_NOT_YET
 */
export function refuseNotYet (described: Endpoint): void {
  const endpoint = unwrap(described)
  if (endpoint.type !== 'tls') return
  const { sni } = endpoint
  if (sni !== undefined) throw notYet(endpoint, 'sni', 'give one certificate for all names with certKey')
}

function notYet ({ description }: TlsEndpoint, argument: string, instead: string): Error {
  return located(errors.FST_ENDPOINT_NOT_YET(`The argument ${argument} of tls`, instead), { endpoint: description, argument })
}
