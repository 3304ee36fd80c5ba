/**
 * A service behind HAProxy or nginx, which pass TLS through. It sees the address and the certificate of the client.
 *
 *     npm run programs && node dist/examples/behind-a-proxy/server.js
 *     haproxy -f examples/behind-a-proxy/haproxy.cfg
 *
 * ENDPOINT decides where it listens. The default is port 8443 of the loopback interface (PORT changes it), with
 * certificates that are created on the first run. nginx.conf does the same as haproxy.cfg. Both listen on port 443.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { ensureDevelopmentPki } from '../mutual-tls/development-pki.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/mutual-tls/pki', import.meta.url))
const quoted = (file: string) => quoteEndpointArgument(join(folder, file))

await ensureDevelopmentPki(folder)
const fallback = `haproxy:tls:${process.env['PORT'] || 8443}:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}` +
  `:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback })

app.get('/', async (request) => ({
  hello: request.clientCertificate?.subject.replace('CN=', '') ?? 'anonymous',
  from: request.ip,
  proxy: `version ${request.proxyProtocol?.version}`
}))

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
