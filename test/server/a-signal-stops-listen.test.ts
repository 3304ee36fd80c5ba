import { once } from 'node:events'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { holdLookup } from '../support/resolver.js'

async function makeApp (t: Test, description = 'tcp:0:interface=127.0.0.1'): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: description })
  return app
}

t.test('an already aborted signal keeps the app from listening', async (t) => {
  const app = await makeApp(t)
  const address = await app.listen({ signal: AbortSignal.abort() })
  t.equal(address, undefined)
  t.notOk(app.server.listening)
  t.equal(app.endpoint.listeners[0]?.address, undefined)
})

t.test('a signal that is aborted while the app starts to listen closes the app', async (t) => {
  const lookup = holdLookup(t, 'localhost')
  const app = await makeApp(t, 'tcp:0:interface=localhost')
  const controller = new AbortController()
  const listening = app.listen({ signal: controller.signal, host: '127.0.0.1' })
  const failure = t.rejects(listening, { code: 'FST_ENDPOINT_CLOSED' })
  await lookup.asked
  controller.abort()
  lookup.release()
  await failure
  await app.close()
  t.notOk(app.server.listening)
  t.equal(app.endpoint.listeners[0]?.address, undefined)
})

t.test('a signal that is aborted later closes the app', async (t) => {
  const app = await makeApp(t)
  const controller = new AbortController()
  await app.listen({ signal: controller.signal })
  t.ok(app.server.listening)
  const closed = once(app.server, 'close')
  controller.abort()
  await closed
  t.notOk(app.server.listening)
  t.equal(app.server.address(), null)
})
