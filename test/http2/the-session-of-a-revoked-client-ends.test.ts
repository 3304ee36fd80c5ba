import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { Readable } from 'node:stream'
import t from 'tap'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a revocation ends the session of the client and its streams with GOAWAY, and a good client is still served', async (t) => {
  const site = await makeSite(t)
  const source = new Readable({ read () {} })
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => 'hello')
    app.get('/stream', (_request, reply) => reply.send(source))
  })
  const alice = await openSession(port, asClient(site, site.alice))
  const mallory = await openSession(port, asClient(site, site.mallory))
  mallory.on('error', () => {})
  t.equal((await ask2(alice)).body, 'hello')
  const stream = mallory.request({ ':path': '/stream' })
  let received = ''
  stream.on('error', () => {}).setEncoding('utf8').on('data', (chunk) => { received += chunk })
  source.push('first part')
  while (!received.includes('first part')) await once(stream, 'data')
  const goaway = once(mallory, 'goaway')
  const closed = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  source.push('second part')
  await goaway
  await closed
  t.notMatch(received, /second part/)
  t.equal((await ask2(alice)).body, 'hello')
  alice.close()
})

t.test('between a revocation and the cut, a request gets a coded 403', async (t) => {
  const site = await makeSite(t)
  const events = new EventEmitter()
  const held = once(events, 'held')
  const channel = 'fastify-endpoint:revocation:swapped'
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', (request, reply) => {
      reply.hijack()
      const again = (): void => {
        unsubscribe(channel, again)
        app.routing(request.raw, reply.raw)
        events.emit('answered', reply.raw.statusCode)
      }
      subscribe(channel, again)
      t.teardown(() => unsubscribe(channel, again))
      events.emit('held')
    })
  })
  const mallory = await openSession(port, asClient(site, site.mallory))
  mallory.on('error', () => {})
  const closed = once(mallory, 'close')
  const answered = once(events, 'answered')
  mallory.request({ ':path': '/' }).on('error', () => {}).resume()
  await held
  await putInForce(app, () => site.revoke('mallory.pem'))
  t.same(await answered, [403])
  await closed
})
