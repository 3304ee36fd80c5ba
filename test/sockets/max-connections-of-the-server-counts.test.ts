import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { startApp } from '../support/mutual-tls.js'

const TCP = 'tcp:0:interface=127.0.0.1'

/** A connection that is open on both sides. */
async function open (t: Test, app: FastifyInstance, port: number): Promise<Socket> {
  const accepted = once(app.server, 'connection')
  const client = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => client.destroy())
  await accepted
  return client
}

/** A connection over the limit. */
async function dropped (app: FastifyInstance, port: number): Promise<unknown> {
  const drop = once(app.server, 'drop')
  const client = connect(port, '127.0.0.1').on('error', () => {})
  const [[data]] = await Promise.all([drop, once(client.resume(), 'close')])
  return data
}

t.test('a number replaces the option at once, until it is removed', async (t) => {
  const { app, port } = await startApp(t, TCP, undefined, { plugin: { maxConnections: 3 } })
  t.equal(app.server.maxConnections, 3)
  await open(t, app, port)
  app.server.maxConnections = 1
  t.match(await dropped(app, port), { localAddress: '127.0.0.1', localPort: port, localFamily: 'IPv4', remoteAddress: '127.0.0.1', remoteFamily: 'IPv4' })
  app.server.maxConnections = 2
  await open(t, app, port)
  await dropped(app, port)
  app.server.maxConnections = undefined as unknown as number
  t.equal(app.server.maxConnections, 3)
  await open(t, app, port)
  await dropped(app, port)
})

t.test('maxConnections may be set before the plugin is registered, and 0 admits no connection', async (t) => {
  const app = Fastify({ serverFactory, forceCloseConnections: true })
  t.teardown(() => app.close())
  app.server.maxConnections = 0
  await app.register(endpoint, { endpoint: TCP })
  await app.listen()
  t.equal(app.server.maxConnections, 0)
  await dropped(app as unknown as FastifyInstance, (app.server.address() as { port: number }).port)
})

t.test('a value that is not a number of connections is an error', async (t) => {
  const { app } = await startApp(t, TCP)
  for (const wrong of [-1, 1.5, NaN, '10', true]) {
    t.throws(() => { app.server.maxConnections = wrong as number }, { code: 'FST_ENDPOINT_MAX_CONNECTIONS' })
  }
  t.equal(app.server.maxConnections, 10_000)
})
