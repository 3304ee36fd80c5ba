/**
 * A service whose port systemd opens: requests wait while it starts, and while it restarts. See
 * example.socket and example.service beside this file.
 *
 * It tells systemd when it is ready. That takes a datagram on a unix socket, which Node.js cannot send;
 * systemd's own systemd-notify can.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import endpoint, { serverFactory } from 'fastify-endpoint'

// What comes while the app closes is served too, instead of being answered with 503.
const app = Fastify({ serverFactory, logger: true, return503OnClosing: false })
await app.register(endpoint)

app.get('/', async (request) => ({ hello: request.clientCertificate?.subject ?? 'anonymous' }))

app.addHook('onListen', async function notifyReady () {
  if (process.env['NOTIFY_SOCKET'] !== undefined) await promisify(execFile)('systemd-notify', ['--ready'])
})

process.once('SIGTERM', () => { app.close() })

await app.listen()
