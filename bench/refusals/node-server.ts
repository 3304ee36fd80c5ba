/**
 * The two servers on Node.js, in their own process:
 *
 *     node dist/bench/refusals/node-server.js ours|https folder
 *
 * `ours` is Fastify on an endpoint string, and watches its list by itself. `https` is Node's own server with the option `crl`,
 * and reloads the CRL at SIGHUP.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { answer } from './answer.js'

const [side, folder] = process.argv.slice(2) as ['ours' | 'https', string]

async function startOurs (): Promise<AddressInfo> {
  const path = (file: string): string => quoteEndpointArgument(join(folder, file))
  const app = Fastify({ serverFactory })
  await app.register(endpoint, {
    endpoint: `tls:0:interface=127.0.0.1:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
  })
  app.get('/*', (request, reply) => {
    reply.hijack()
    answer(request.raw, reply.raw)
  })
  await app.listen()
  return app.server.address() as AddressInfo
}

async function startHttps (): Promise<AddressInfo> {
  const read = (file: string): Buffer => readFileSync(join(folder, file))
  const credentials = (): object => ({ key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), crl: read('crl.pem') })
  const server = createServer({ ...credentials(), requestCert: true, rejectUnauthorized: true, keepAliveTimeout: 60_000 }, answer)
  process.on('SIGHUP', () => { server.setSecureContext(credentials()) })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return server.address() as AddressInfo
}

const { port } = await (side === 'ours' ? startOurs() : startHttps())
console.log(`listening ${port}`)
