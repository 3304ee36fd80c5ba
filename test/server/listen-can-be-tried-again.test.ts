import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { startApp } from '../support/mutual-tls.js'

t.test('a second listen() gets the same error as in Fastify', async (t) => {
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  await t.rejects(app.listen(), { code: 'FST_ERR_REOPENED_SERVER' })
  t.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
})

t.test('a listen() that failed can be tried again', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { blocker.close() })
  await once(blocker, 'listening')
  const { port } = blocker.address() as AddressInfo
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  app.get('/', async () => 'hello')
  await app.register(endpoint, { endpoint: `tcp:${port}:interface=127.0.0.1` })
  await t.rejects(app.listen(), { code: 'FST_ENDPOINT_ADDRESS_IN_USE' })
  t.notOk(app.server.listening)
  await t.rejects(app.listen(), { code: 'FST_ENDPOINT_ADDRESS_IN_USE' })
  blocker.close()
  await once(blocker, 'close')
  t.equal(await app.listen(), `http://127.0.0.1:${port}`)
  t.equal(await (await fetch(app.listeningOrigin)).text(), 'hello')
})

t.test('an app that was closed cannot listen again', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  await app.close()
  await t.rejects(app.listen())
  t.notOk(app.server.listening)
  t.equal(app.server.address(), null)
})
