import { EventEmitter, once } from 'node:events'
import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { untilDeaf } from '../support/closing.js'
import { makeSite } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'

t.test('an app is ready from listen() to close(), and otherwise says why it is not', async (t) => {
  const site = await makeSite(t)
  const app = Fastify({ serverFactory, return503OnClosing: false })
  t.teardown(() => app.close())
  const strings = [site.endpoint(), 'tcp:0:interface=127.0.0.1']
  await app.register(endpoint, { endpoint: strings })
  const asked = new EventEmitter()
  app.get('/', (_request, reply) => { asked.emit('reply', reply) })
  const notListening = (description: string) => ({ code: 'not_listening', message: String, endpoint: description, count: 1 })
  t.match(app.endpoint.health(), { status: 'unready', reasons: strings.map(notListening) })
  await app.listen()
  t.same(app.endpoint.health(), { status: 'ready', reasons: [] })

  // A pending request delays the close.
  const { port } = app.endpoint.listeners[1]?.address as { port: number }
  const peer = await Peer.connect(t, port)
  const begun = once(asked, 'reply')
  peer.send(head('/'))
  const [reply] = await begun
  const closed = app.close()
  await untilDeaf(app)
  t.match(app.endpoint.health(), { status: 'unready', reasons: strings.map(notListening) }, 'while the app closes')
  reply.send({})
  await closed
  t.match(app.endpoint.health(), { status: 'unready' }, 'and afterwards')
})

t.test('an app that only injects is not ready, but can inject', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0' })
  app.get('/health', async () => app.endpoint.health())
  t.match((await app.inject('/health')).json(), { status: 'unready', reasons: [{ endpoint: 'tcp:0' }] })
})
