/**
 * A request that was sent before the server closed is answered, no matter how the server closes. Otherwise, the
 * kernel would answer unread data in the socket with a reset.
 */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { closesAtOnce, untilConnected, untilDeaf } from '../support/closing.js'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, connectTls, helloRoute, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

const PLAIN = 'tcp:0:interface=127.0.0.1'
const ANSWER = /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*"hello"/i

/** An app that runs a function in the same turn in which it closes its server. */
async function startClosing (t: Test, endpoint: string, atClose: () => void): Promise<{ app: FastifyInstance, port: number }> {
  return await startApp(t, endpoint, (app) => {
    helloRoute(app)
    app.addHook('preClose', (done) => {
      atClose()
      done()
    })
  }, { forceCloseConnections: 'idle', return503OnClosing: false })
}

async function connectPeer (t: Test, site: Site, endpoint: string, port: number): Promise<Peer> {
  return endpoint === PLAIN ? await Peer.connect(t, port) : new Peer(t, await connectTls(port, asClient(site, site.alice)))
}

/** The answer of the first of five attempts in which the machine is fast enough. */
async function inTime (attempt: () => Promise<string>): Promise<string> {
  let answer = ''
  for (let attempts = 0; attempts < 5 && !ANSWER.test(answer); attempts++) answer = await attempt()
  return answer
}

t.test('the first request of a connection, sent before the close, is answered', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of [PLAIN, site.endpoint()]) {
    let send = (): void => {}
    const { app, port } = await startClosing(t, endpoint, () => send())
    const peer = await connectPeer(t, site, endpoint, port)
    send = () => peer.send(head())
    await untilConnected(app, 1)
    await closesAtOnce(t, app)
    t.match(await peer.closed, ANSWER)
  }
})

t.test('the next request of a kept connection is answered, even if it is sent a moment after the close', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of [PLAIN, site.endpoint()]) {
    const answer = await inTime(async () => {
      const { app, port } = await startClosing(t, endpoint, () => {})
      const peer = await connectPeer(t, site, endpoint, port)
      await peer.get()
      peer.received = ''
      const closed = closesAtOnce(t, app)
      await untilDeaf(app)
      // A server that only reads once more what is there has closed it by then.
      for (let turns = 0; turns < 20; turns++) await turn()
      peer.send(head())
      const answer = await peer.closed
      await closed
      return answer
    })
    t.match(answer, ANSWER, 'unless the machine is so slow that the moment for it is over')
  }
})

t.test('a client that got no connection: close with its last answer may send one more request', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of [PLAIN, site.endpoint()]) {
    const answer = await inTime(async () => {
      let end = (): void => {}
      const { app, port } = await startApp(t, endpoint, (app) => {
        helloRoute(app)
        app.get('/parts', (_request, reply) => {
          reply.hijack()
          reply.raw.writeHead(200, { 'content-length': 8 }).write('first ')
          end = () => { reply.raw.end('}}') }
        })
      }, { forceCloseConnections: 'idle', return503OnClosing: false })
      const peer = await connectPeer(t, site, endpoint, port)
      peer.send(head('/parts'))
      t.match(await peer.until('first '), /^connection: keep-alive\r\n/im)
      const closed = closesAtOnce(t, app)
      await untilDeaf(app)
      end()
      await peer.until('}}')
      peer.received = ''
      peer.send(head())
      const answer = await peer.closed
      await closed
      return answer
    })
    t.match(answer, ANSWER, 'unless the machine is so slow that the moment for it is over')
  }
})

t.test('a client in a handshake can still send its request, unless the machine is too slow', async (t) => {
  const site = await makeSite(t)
  let answer = ''
  for (let attempt = 0; attempt < 5 && !ANSWER.test(answer); attempt++) {
    let shake = (): void => {}
    const { app, port } = await startClosing(t, site.endpoint(), () => shake())
    const raw = connectTcp(port, '127.0.0.1').on('error', () => {})
    await once(raw, 'connect')
    await untilConnected(app, 1)
    shake = () => {
      const peer = new Peer(t, connect({ socket: raw, ...asClient(site, site.alice) }))
      peer.send(head())
      peer.closed.then((received) => { answer = received })
    }
    const ended = once(raw, 'close')
    await closesAtOnce(t, app)
    await ended
  }
  t.match(answer, ANSWER)
})

t.test('an HTTP/2 session whose first requests are on their way gets all answers, and GOAWAY', async (t) => {
  const site = await makeSite(t)
  let ask = (): void => {}
  const { app, port } = await startClosing(t, `${site.endpoint()}:alpn=h2+http/1.1`, () => ask())
  const session = await openSession(port, asClient(site, site.alice))
  await untilConnected(app, 1)
  const goaway = once(session, 'goaway')
  let answers: Array<ReturnType<typeof ask2>> = []
  ask = () => { answers = Array.from({ length: 5 }, () => ask2(session)) }
  await closesAtOnce(t, app)
  t.same((await Promise.all(answers)).map(({ status }) => status), [200, 200, 200, 200, 200])
  t.equal((await goaway)[0], 0, 'NO_ERROR')
})

t.test('closeIdleConnections() closes clients between two requests, but not new clients before their first', async (t) => {
  const { app, port } = await startApp(t, PLAIN)
  const fresh = await Peer.connect(t, port)
  const kept = await Peer.connect(t, port)
  await kept.get()
  await untilConnected(app, 2)
  app.server.closeIdleConnections()
  await kept.closed
  t.match(await fresh.get(), /^HTTP\/1\.1 200 OK\r\n[^]*connection: keep-alive/i)
})
