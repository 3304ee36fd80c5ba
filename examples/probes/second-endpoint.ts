/**
 * Health probes on a second endpoint without TLS, while the service requires a client certificate from everybody.
 * Nothing else is reachable there.
 *
 *     npm run programs && node dist/examples/probes/second-endpoint.js
 *
 * ENDPOINT decides where it listens, one string a line. The defaults are port 8443 of the loopback interface (PORT
 * changes it), with certificates that are created on the first run, and port 8081 for the probes (PROBE_PORT).
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { ensureDevelopmentPki } from '../mutual-tls/development-pki.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/mutual-tls/pki', import.meta.url))
const quoted = (file: string) => quoteEndpointArgument(join(folder, file))

if (!process.env['ENDPOINT']) await ensureDevelopmentPki(folder)
const fallback = [
  `tls:${process.env['PORT'] || 8443}:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}` +
    `:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`,
  `tcp:${process.env['PROBE_PORT'] || 8081}:interface=127.0.0.1`
]

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback })

const PROBES = ['/live', '/ready']

// At the root, so that it covers all routes of the app and its plugins. A request on the endpoint without TLS gets the
// probes and nothing else.
app.addHook('onRequest', function onlyProbesInTheClear (request, reply, done) {
  if (request.endpoint?.verify === 'none' && !PROBES.includes(request.routeOptions.url ?? '')) return reply.callNotFound()
  done()
})

// A process that answers is alive. A degraded app still serves its clients, and a restart would not improve that.
app.get('/live', async () => ({ status: 'alive' }))
app.get('/ready', async (_request, reply) => {
  const { status } = app.endpoint.health()
  return reply.code(status === 'unready' ? 503 : 200).send({ status })
})

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject.replace('CN=', '') }))
// It contains paths of files: not for the public.
app.get('/health', async () => app.endpoint.health())

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
