/**
 * An app on the endpoint that is given as the first argument, for clients of HTTP/2; it prints where it listens. A line on standard input is
 * answered by how many connections there are.
 */
import { createInterface } from 'node:readline'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointServer } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, http2SessionTimeout: 250 } as object)
app.addContentTypeParser('*', (_request, payload, done) => { payload.resume().once('end', () => done(null)).once('error', done) })
app.get('/', async () => 'hello')
app.post('/', async () => 'taken')
app.get('/large', async () => 'x'.repeat(200_000))
await app.register(endpoint, { endpoint: process.argv[2] as string, maxHandshakes: 1000 })
await app.listen()
console.log(`listening ${JSON.stringify(app.server.address())}`)
createInterface(process.stdin).on('line', () => { console.log(`connections ${(app.server as unknown as EndpointServer).clientConnections.size};`) })
