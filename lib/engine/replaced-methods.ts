/**
 * Methods of Node's tls.Server that set what an endpoint reads from files. They throw an error that names the files, instead
 * of a TypeError.
 */
import { errors } from '../errors.js'
import type { Listener } from '../layers/listener.js'
import { pairPathsOf } from '../tls/credential-files.js'

type Method = 'setSecureContext' | 'addContext' | 'setTicketKeys' | 'getTicketKeys'

/** The error that the method throws in an app with these listeners. */
export function replacedMethod (method: Method, listeners: readonly Listener[]): Error {
  return new errors.FST_ENDPOINT_SERVER_METHOD(method, adviceOn(method, listeners.map(({ endpoint }) => endpoint)))
}

function adviceOn (method: Method, endpoints: ReadonlyArray<Listener['endpoint']>): string {
  const secured = endpoints.filter((endpoint) => endpoint.type === 'tls' || endpoint.type === 'ssl')
  if (secured.length === 0) return 'no endpoint of the app speaks TLS; write one that begins with tls:'
  if (method === 'setTicketKeys' || method === 'getTicketKeys') {
    return 'its ticket keys are random, and are replaced whenever revocations or credentials change, so that no old ticket stays valid'
  }
  if (method === 'addContext') {
    const folders = secured.flatMap((endpoint) => endpoint.type === 'tls' && endpoint.sni !== undefined ? [`"${endpoint.sni}"`] : [])
    return folders.length === 0
      ? 'set sni= to a folder that holds a file <hostname>.pem, with key and chain, for each name'
      : `write a file <hostname>.pem with key and chain into the folder ${folders.join(', ')}; it takes effect at once`
  }
  const files = new Set(secured.flatMap((endpoint) => {
    const pairs = pairPathsOf(endpoint).flatMap(({ privateKey, certKey }) => [privateKey, certKey])
    return 'authorities' in endpoint ? [...pairs, endpoint.authorities] : pairs
  }))
  if (files.size === 0) return 'the endpoint string says where the certificate comes from, and each new one takes effect at once'
  return `change its files ${[...files].map((file) => `"${file}"`).join(', ')}; they take effect as soon as all of them match`
}
