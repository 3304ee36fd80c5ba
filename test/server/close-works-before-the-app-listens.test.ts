import { once } from 'node:events'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { holdLookup } from '../support/resolver.js'

const NAMED = 'tcp:0:interface=localhost'

async function makeApp (t: Test, description: string): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: description })
  return app
}

function isClosed (t: Test, app: FastifyInstance): void {
  t.notOk(app.server.listening)
  t.equal(app.server.address(), null)
  t.equal(app.endpoint.listeners[0]?.address, undefined)
}

t.test('an app that never listened is closed', async (t) => {
  const site = await makeSite(t)
  for (const description of ['tcp:0:interface=127.0.0.1', site.endpoint()]) {
    const app = await makeApp(t, description)
    await app.ready()
    await app.close()
    isClosed(t, app)
  }
})

t.test('an app that is closed while it starts to listen does not listen', async (t) => {
  const lookup = holdLookup(t, 'localhost')
  const app = await makeApp(t, NAMED)
  const failure = t.rejects(app.listen(), { code: 'FST_ENDPOINT_CLOSED' })
  await lookup.asked
  const closed = app.close()
  lookup.release()
  await Promise.all([failure, closed])
  isClosed(t, app)
})

t.test('an app that is closed just before it starts to listen does not listen', async (t) => {
  const app = await makeApp(t, 'tcp:0:interface=127.0.0.1')
  const listening = app.listen().catch(() => {})
  await app.close()
  await listening
  isClosed(t, app)
})

t.test('an app that is closed as soon as it listens is closed', async (t) => {
  const app = await makeApp(t, 'tcp:0:interface=127.0.0.1')
  const closed = new Promise<void>((resolve, reject) => {
    app.server.once('listening', () => { app.close().then(resolve, reject) })
  })
  await app.listen()
  await closed
  isClosed(t, app)
})

t.test('an app can be closed twice', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  let closes = 0
  app.server.on('close', () => { closes++ })
  await Promise.all([app.close(), app.close()])
  await app.close()
  isClosed(t, app)
  t.equal(closes, 1)
})

t.test('the server can be closed on its own, and a second close() gets the same error as in Node', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  const { server } = app
  const close = (): Promise<Error | undefined> => new Promise((resolve) => { server.close(resolve) })
  const ended = once(server, 'close')
  t.match(await Promise.all([close(), close()]), [undefined, { code: 'ERR_SERVER_NOT_RUNNING' }])
  await ended
  t.match(await close(), { code: 'ERR_SERVER_NOT_RUNNING' })
  isClosed(t, app)
})

t.test('two calls of listen() at once open the endpoint once', async (t) => {
  const app = await makeApp(t, 'tcp:0:interface=127.0.0.1')
  await app.ready()
  const outcomes = await Promise.allSettled([app.listen(), app.listen()])
  t.match(outcomes, [{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'FST_ENDPOINT_ALREADY_LISTENING' } }])
  t.equal(app.addresses().length, 1)
})
