/**
 * An app on standard input and output, and on the endpoints that are given as arguments beside it. What
 * it has to tell it writes to standard error. SIGTERM closes it.
 */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, logger: { stream: process.stderr } })
app.addHook('onClose', async () => { console.error('the app is closed') })
app.get('/', async (request) => ({ pid: process.pid, ip: request.ip }))
app.post('/', async (request) => {
  // Long enough for the end of the input to have been seen.
  for (let turns = 0; turns < 20; turns++) await turn()
  return { length: JSON.stringify(request.body).length }
})
app.get('/slow', async () => {
  console.error('slow')
  await once(process, 'SIGUSR2')
  return { pid: process.pid }
})
app.get('/large', async () => 'x'.repeat(10_000_000))
await app.register(endpoint, { endpoint: ['stdio', ...process.argv.slice(2)] })
process.once('SIGTERM', () => {
  app.close()
  console.error('closing')
})
await app.listen().catch(({ code, endpoint }) => console.error(`failed ${code} ${endpoint}`))
