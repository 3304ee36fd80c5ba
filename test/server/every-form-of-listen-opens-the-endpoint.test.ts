import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { helloRoute } from '../support/mutual-tls.js'

async function makeApp (t: Test): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  helloRoute(app)
  return app
}

async function answers (t: Test, address: string, message: string): Promise<void> {
  t.match(address, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/, message)
  t.equal((await fetch(address)).status, 200, message)
}

t.test('every form of listen() opens the endpoint of the string', async (t) => {
  await answers(t, await (await makeApp(t)).listen(), 'no arguments')
  await answers(t, await (await makeApp(t)).listen({ port: 1, host: '203.0.113.1' }), 'a port and a host')
  await answers(t, await (await makeApp(t)).listen({ path: '/nowhere/at/all' }), 'a path')
  const app = await makeApp(t)
  await answers(t, await new Promise((resolve, reject) => {
    app.listen({ port: 1 }, (error, address) => error === null ? resolve(address) : reject(error))
  }), 'a callback')
  const unready = Fastify({ serverFactory }) as unknown as FastifyInstance
  t.teardown(() => unready.close())
  unready.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  helloRoute(unready)
  await answers(t, await unready.listen(), 'before the plugin was loaded')
})

t.test('the callback gets the error of an endpoint that cannot be opened', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=203.0.113.1' })
  const error = await new Promise<Error | null>((resolve) => { app.listen({ port: 0 }, resolve) })
  t.match(error, { code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE' })
})

t.test('the onListen hooks of the app run when it listens', async (t) => {
  const app = await makeApp(t)
  let listens = 0
  app.addHook('onListen', async () => { listens++ })
  await app.listen()
  t.equal(listens, 1)
})
