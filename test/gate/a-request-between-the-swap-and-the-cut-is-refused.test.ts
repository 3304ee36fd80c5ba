/**
 * With many connections, closing those of revoked clients takes several turns of the event loop. A client whose
 * connection is still open meanwhile gets a 403 for a request. The channels let a test step in between.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

/** Keeps the first request under way, and hands it to the app once more at the next message of a channel. */
function askAgainAt (t: Test, channel: string): { routes: (app: FastifyInstance) => void, held: Promise<unknown>, served: () => number } {
  const events = new EventEmitter()
  let served = 0
  const routes = (app: FastifyInstance): void => {
    app.get('/', (request, reply) => {
      served++
      reply.hijack()
      const again = (): void => {
        unsubscribe(channel, again)
        app.routing(request.raw as IncomingMessage, reply.raw as ServerResponse)
      }
      subscribe(channel, again)
      t.teardown(() => unsubscribe(channel, again))
      events.emit('held')
    })
  }
  return { routes, held: once(events, 'held'), served: () => served }
}

t.test('between a swap and the close, a revoked client gets a coded 403 that names no list, and its connection is closed', async (t) => {
  const site = await makeSite(t)
  const { routes, held, served } = askAgainAt(t, 'fastify-endpoint:revocation:swapped')
  const { app, port } = await startApp(t, site.endpoint(), routes)
  const mallory = await connectTls(port, asClient(site, site.mallory))
  let answer = ''
  mallory.on('error', () => {}).on('data', (chunk) => { answer += chunk })
  const closed = once(mallory, 'close')
  mallory.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await held
  await putInForce(app, () => site.revoke('mallory.pem'))
  await closed
  t.match(answer, /^HTTP\/1\.1 403 /)
  t.match(answer, /connection: close/i)
  t.match(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)), { statusCode: 403, code: 'FST_ENDPOINT_CLIENT_REFUSED', message: 'The client certificate was rejected' })
  t.notMatch(answer, /revoked\.txt|mallory\.pem/)
  t.equal(served(), 1)
})

t.test('a request of a client whose certificate has expired gets a 403 with its own code', async (t) => {
  const site = await makeSite(t)
  const { routes, held, served } = askAgainAt(t, 'fastify-endpoint:connection:cut')
  const payloads: string[] = []
  const { port } = await startApp(t, site.endpoint(), (app) => {
    // The connection is closed by now, so the test checks here what would be sent.
    app.addHook('onSend', async (_request, reply, payload) => { payloads.push(`${reply.statusCode} ${String(payload)}`) })
    routes(app)
  })
  const short = await site.ca.issue({ name: 'short-lived', usage: 'client', notAfter: new Date(Math.ceil(Date.now() / 1000 + 1) * 1000) })
  const client = await connectTls(port, asClient(site, short))
  client.on('error', () => {}).resume()
  const closed = once(client, 'close')
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await held
  await closed
  t.match(payloads.join(), /^403 .*FST_ENDPOINT_CLIENT_EXPIRED/)
  t.equal(served(), 1)
})
