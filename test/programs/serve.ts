/**
 * An app on the endpoint that is given as the first argument. It prints where it listens, or the
 * code of the error, and closes at SIGTERM.
 */
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
app.get('/', async () => ({ pid: process.pid }))
await app.register(endpoint, { endpoint: process.argv[2] ?? 'tcp:0:interface=127.0.0.1' })
try {
  await app.listen()
  process.once('SIGTERM', () => { app.close() })
  console.log(`listening ${JSON.stringify(app.server.address())}`)
} catch (error) {
  console.log(`failed ${(error as NodeJS.ErrnoException).code}`)
}
