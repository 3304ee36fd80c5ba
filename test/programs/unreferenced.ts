/**
 * An app whose server is unreferenced, before or after it listens, or referenced again afterwards.
 * In the last case it asks itself when its standard input ends, which does not keep it alive either.
 */
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const when = process.argv[2]
const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
app.get('/', async () => ({}))
await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
if (when === 'before') app.server.unref()
await app.listen()
app.server.unref()
if (when === 'again') {
  app.server.ref()
  process.stdin.resume().once('end', async () => { console.log(`answered ${(await fetch(app.listeningOrigin)).status}`) })
}
console.log('listening')
