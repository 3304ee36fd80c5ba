/**
 * Fastify's options https and http2, which say what kind of server it would make. Here that is said by the endpoint
 * strings: what an app has asked for and would not get is an error, and not nothing.
 */
import { errors } from '../errors.js'
import type { Listener } from '../layers/listener.js'

/** What an app expects of its server. Both also choose the types of its requests, so that they may be there. */
export interface ServerWishes {
  readonly https: boolean
  readonly http2: boolean
}

/**
 * @param options Fastify's own
 * @throws FST_ENDPOINT_SERVER_OPTION for what the endpoint string would have to say
 */
export function readWishes ({ https, http2 }: { https?: unknown, http2?: unknown }): ServerWishes {
  const isObject = typeof https === 'object' && https !== null
  // With alpn=h2+http/1.1 both are always allowed.
  const lost = isObject ? Object.keys(https).filter((name) => name !== 'allowHTTP1') : []
  if (lost.length > 0) throw new errors.FST_ENDPOINT_SERVER_OPTION(`https (${lost.join(', ')})`, 'the endpoint string names the files. Write them there, as in tls:8443:privateKey=server.key:certKey=server.pem')
  return { https: isObject || https === true, http2: http2 === true }
}

/** @throws FST_ENDPOINT_SERVER_OPTION for a wish that none of the endpoints fulfils */
export function refuseUnfulfilled ({ https, http2 }: ServerWishes, listeners: readonly Listener[]): void {
  if (https && !listeners.some(({ tls }) => tls !== undefined)) {
    throw new errors.FST_ENDPOINT_SERVER_OPTION('https', 'no endpoint speaks TLS. Write a tls: endpoint, or remove the option')
  }
  if (http2 && !listeners.some(({ endpoint }) => endpoint.type === 'tls' && endpoint.alpn.includes('h2'))) {
    throw new errors.FST_ENDPOINT_SERVER_OPTION('http2', 'no endpoint offers HTTP/2. Write alpn=h2+http/1.1 into a tls: endpoint, or remove the option')
  }
}
