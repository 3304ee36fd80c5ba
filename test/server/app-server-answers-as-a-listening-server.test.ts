import { once } from 'node:events'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { EndpointServer, serverFactory } from '../../lib/index.js'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { until } from '../support/until.js'

t.test('app.server answers like a server that listens itself', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, ['tcp:0:interface=127.0.0.1', site.endpoint()])
  t.ok(app.server instanceof EndpointServer)
  t.ok(app.server.listening)
  t.match(app.server.address(), { port })
  const count = promisify(app.server.getConnections.bind(app.server))
  t.equal(await count(), 0)
  const plain = await Peer.connect(t, port)
  await plain.get()
  const tlsPort = (app.endpoint.listeners[1]?.address as { port: number }).port
  const secure = await connectTls(tlsPort, asClient(site, site.alice))
  t.equal(await count(), 2, 'for all listeners together')
  const gone = once(secure, 'close')
  secure.destroy()
  await gone
  await until('the server has seen that one is gone', async () => await count() === 1)
  await app.close()
  t.notOk(app.server.listening)
})

t.test('Fastify makes no second server for the other addresses of localhost', async (t) => {
  for (const options of [undefined, { port: 0 }, { host: 'localhost' }, { host: '0.0.0.0' }]) {
    let made = 0
    const app = Fastify({
      serverFactory: (handler, options) => {
        made++
        return serverFactory(handler, options)
      }
    })
    t.teardown(() => app.close())
    await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
    await (options === undefined ? app.listen() : app.listen(options))
    t.equal(made, 1)
    t.equal(app.addresses().length, 1)
  }
})
