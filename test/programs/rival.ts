/** Is ready to listen on the endpoint that is given, and does so at the first byte of its standard input. */
import { once } from 'node:events'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
app.get('/', async () => ({ pid: process.pid }))
await app.register(endpoint, { endpoint: process.argv[2] as string })
await app.ready()
console.log('ready')
await once(process.stdin, 'data')
process.stdin.destroy()
process.once('SIGTERM', () => { app.close() })
await app.listen().then(() => console.log('listening'), (error) => console.log(`failed ${error.code}`))
