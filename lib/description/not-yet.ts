/**
 * What an endpoint string can say and this version cannot do. It is refused when the app starts:
 * doing something else instead could let in whom the string keeps out.
 */
import type { Endpoint, TlsEndpoint } from '../../types/endpoint.js'
import { errors, located } from '../errors.js'
import { unwrap } from './unwrap.js'

/**
 * Refuses the types and the arguments that come later.
 *
 * @throws FST_ENDPOINT_NOT_YET
 */
export function refuseNotYet (endpoint: Endpoint): void {
  switch (endpoint.type) {
    case 'tcp': case 'tcp6': case 'unix': case 'systemd': case 'fd': case 'ssl': return
    case 'tls': return refuseArguments(endpoint)
    case 'haproxy': return refuseNotYet(unwrap(endpoint))
    default: throw located(
      errors.FST_ENDPOINT_NOT_YET(`The type ${endpoint.type}`, 'use tcp, tcp6, unix, systemd, fd, ssl or tls'),
      { endpoint: endpoint.description, index: 0 }
    )
  }
}

function refuseArguments (endpoint: TlsEndpoint): void {
  const { sni } = endpoint
  if (sni !== undefined) throw notYet(endpoint, 'sni', 'give one certificate for all names with certKey')
}

function notYet ({ description }: TlsEndpoint, argument: string, instead: string): Error {
  return located(errors.FST_ENDPOINT_NOT_YET(`The argument ${argument} of tls`, instead), { endpoint: description, argument })
}
