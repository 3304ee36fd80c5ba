/**
 * Health probes on a second endpoint, in the clear, while the service demands a client certificate of
 * everybody. Nothing else is reachable there.
 *
 *     npm run programs && node dist/examples/probes/second-endpoint.js
 *
 * ENDPOINT decides where it listens, a string a line. Without it, it is port 8443 of the loopback interface
 * (PORT chooses another one), with certificates that are made on the first run, and port 8081 for the probes
 * (PROBE_PORT).
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

// At the root, for all routes of the app, those of plugins too: who comes without having been asked for a
// certificate gets the probes, and finds nothing else.
app.addHook('onRequest', function onlyProbesInTheClear (request, reply, done) {
  if (request.endpoint?.verify === 'none' && !PROBES.includes(request.routeOptions.url ?? '')) return reply.callNotFound()
  done()
})

// A process that answers is alive. A degraded app serves its clients, and would serve them no better if it were restarted.
app.get('/live', async () => ({ status: 'alive' }))
app.get('/ready', async (_request, reply) => {
  const { status } = app.endpoint.health()
  return reply.code(status === 'unready' ? 503 : 200).send({ status })
})

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject.replace('CN=', '') }))
// With paths of files in it: not for strangers.
app.get('/health', async () => app.endpoint.health())

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
