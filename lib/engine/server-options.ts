/**
 * Checks Fastify's options https and http2. Here the endpoint strings decide about TLS and HTTP/2, so an app that asks
 * for something that no endpoint provides must fail.
 */
import { errors } from '../errors.js'
import type { Listener } from '../layers/listener.js'

/** What an app expects of its server. Both are allowed, since they also choose the types of its requests. */
export interface ExpectedServer {
  readonly https: boolean
  readonly http2: boolean
}

/**
 * @param options Fastify's own
 * @throws FST_ENDPOINT_SERVER_OPTION for an option that belongs in the endpoint string
 */
export function readExpectations ({ https, http2 }: { https?: unknown, http2?: unknown }): ExpectedServer {
  const isObject = typeof https === 'object' && https !== null
  // With alpn=h2+http/1.1 both are always allowed.
  const ignored = isObject ? Object.keys(https).filter((name) => name !== 'allowHTTP1') : []
  if (ignored.length > 0) {
    const advice = 'the endpoint string names the files. Write them there, as in tls:8443:privateKey=server.key:certKey=server.pem'
    throw new errors.FST_ENDPOINT_SERVER_OPTION(`https (${ignored.join(', ')})`, advice)
  }
  return { https: isObject || https === true, http2: http2 === true }
}

/** @throws FST_ENDPOINT_SERVER_OPTION if no endpoint offers what the app expects */
export function checkExpectations ({ https, http2 }: ExpectedServer, listeners: readonly Listener[]): void {
  if (https && !listeners.some(({ tls }) => tls !== undefined)) {
    throw new errors.FST_ENDPOINT_SERVER_OPTION('https', 'no endpoint speaks TLS. Write a tls: endpoint, or remove the option')
  }
  if (http2 && !listeners.some(({ endpoint }) => endpoint.type === 'tls' && endpoint.alpn.includes('h2'))) {
    const advice = 'no endpoint offers HTTP/2. Write alpn=h2+http/1.1 into a tls: endpoint, or remove the option'
    throw new errors.FST_ENDPOINT_SERVER_OPTION('http2', advice)
  }
}
