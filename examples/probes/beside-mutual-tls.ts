/**
 * Health probes on the port of the service. A probe has no client certificate, so the endpoint has verify=optional, and
 * all routes of the service require a certificate.
 *
 *     npm run programs && node dist/examples/probes/beside-mutual-tls.js
 *
 * ENDPOINT decides where it listens. The default is port 8443 of the loopback interface (PORT changes it), with
 * certificates that are created on the first run.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { ensureDevelopmentPki } from '../mutual-tls/development-pki.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/mutual-tls/pki', import.meta.url))
const quoted = (file: string) => quoteEndpointArgument(join(folder, file))

await ensureDevelopmentPki(folder)
const fallback = `tls:${process.env['PORT'] || 8443}:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}` +
  `:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}:verify=optional`

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback })

// Open to everybody. A process that answers is alive; it is ready when its endpoints are open.
// A degraded app still serves its clients, and a restart would not improve that.
app.get('/live', async () => ({ status: 'alive' }))
app.get('/ready', async (_request, reply) => {
  const { status } = app.endpoint.health()
  return reply.code(status === 'unready' ? 503 : 200).send({ status })
})

app.register(async function service (service) {
  // Every route of this scope requires a certificate, so none can be forgotten.
  service.addHook('onRoute', (route) => { route.config = { ...route.config, endpoint: { clientCertificate: 'required' } } })

  service.get('/', async (request) => ({ hello: request.clientCertificate?.subject.replace('CN=', '') }))
  // It contains paths of files: not for the public.
  service.get('/health', async () => app.endpoint.health())
})

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
