/**
 * A service with metrics: mutual TLS for its clients, and a second endpoint without TLS for Prometheus, on the
 * loopback interface.
 *
 *     npm run programs && node dist/examples/metrics/server.js
 *     prometheus --config.file=examples/metrics/prometheus.yml
 *
 * ENDPOINT decides where it listens, one string a line. The defaults are port 8443 of the loopback interface for
 * TLS (PORT changes it), with certificates that are created on the first run, and port 9464 for the metrics
 * (METRICS_PORT). alerts.yml has alert rules for Prometheus; import dashboard.json into Grafana.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { register } from 'prom-client'
import { ensureDevelopmentPki } from '../mutual-tls/development-pki.js'

const folder = process.argv[2] ?? fileURLToPath(new URL('../../../examples/mutual-tls/pki', import.meta.url))
const quoted = (file: string) => quoteEndpointArgument(join(folder, file))

await ensureDevelopmentPki(folder)
const fallback = [
  `tls:${process.env['PORT'] || 8443}:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}` +
    `:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`,
  `tcp:${process.env['METRICS_PORT'] || 9464}:interface=127.0.0.1`
]

const app = Fastify({ serverFactory, logger: true })
await app.register(endpoint, { fallback, metrics: register })

// The endpoint without TLS serves the metrics and nothing else, whatever routes are added. The other one does not serve them.
app.addHook('onRequest', function separateMetrics (request, reply, done) {
  const isClear = request.endpoint?.verify === 'none'
  if (isClear !== (request.routeOptions.url === '/metrics')) return reply.callNotFound()
  done()
})

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject.replace('CN=', '') }))
app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()))

await app.listen()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { app.close() })
