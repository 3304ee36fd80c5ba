/** An app that only injects a request, and is not even closed. */
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
app.get('/', async () => ({}))
await app.register(endpoint, { endpoint: process.argv[2] as string })
console.log(`answered ${(await app.inject('/')).statusCode}`)
