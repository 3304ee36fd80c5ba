/**
 * A service whose port systemd opens, with example.socket and example.service. Requests wait while it starts or
 * restarts.
 *
 * It notifies systemd when it is ready. That needs a datagram on a unix socket, which Node.js cannot send, so it runs
 * systemd-notify.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'

// Requests that arrive while the app closes are served too. Without the option they would get a 503.
const app = Fastify({ serverFactory, logger: true, return503OnClosing: false })
await app.register(endpoint)

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))

app.addHook('onListen', async function notifyReady () {
  if (process.env['NOTIFY_SOCKET'] !== undefined) await promisify(execFile)('systemd-notify', ['--ready'])
})

process.once('SIGTERM', () => { app.close() })

await app.listen()
