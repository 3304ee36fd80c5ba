/**
 * A server on Node.js, in its own process: Fastify with the same route each time.
 *
 *     node dist/bench/peers/server.js ours|bare|crl folder port [CRL]
 *
 * `ours` is on an endpoint string whose list is revoked.txt, `bare` and `crl` are on Node's own server; the CRL is for `crl`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { BODY, KEPT } from './proxies.js'

const [side, folder, port, crl] = process.argv.slice(2) as ['ours' | 'bare' | 'crl', string, string, string?]
const keepAliveTimeout = KEPT * 1000

async function makeOurs (): Promise<FastifyInstance> {
  const path = (file: string): string => quoteEndpointArgument(join(folder, file))
  const app = Fastify({ serverFactory, keepAliveTimeout })
  await app.register(endpoint, {
    endpoint: `tls:${port}:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
  })
  return app
}

function makeBare (): FastifyInstance {
  const read = (file: string): Buffer => readFileSync(join(folder, file))
  const https = { key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: true, ...(crl === undefined ? {} : { crl: readFileSync(crl) }) }
  return Fastify({ https, keepAliveTimeout }) as unknown as FastifyInstance
}

const app = side === 'ours' ? await makeOurs() : makeBare()
app.get('/', async () => BODY)
await app.listen({ host: '127.0.0.1', port: Number(port) })
