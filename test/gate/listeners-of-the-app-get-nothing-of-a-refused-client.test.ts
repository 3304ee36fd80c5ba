/**
 * Code of an app that runs for a client outside of routes: listeners on app.server, and the option
 * frameworkErrors. Here each client's certificate expires while an answer on its connection holds the event loop, so
 * that what it has sent behind that is read before anything cuts it.
 */
import t, { type Test } from 'tap'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { asClient, connectTls, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import type { Issued } from '../support/pki.js'
import { whileItLives } from '../support/short-lived.js'
import { until } from '../support/until.js'

/** What makes Node, or Fastify, call the app, and whether a refused client is answered. */
const CALLS = {
  request: { text: head('/'), answered: true },
  checkContinue: { text: head('/', 'expect: 100-continue'), answered: true },
  checkExpectation: { text: head('/', 'expect: something'), answered: true },
  frameworkErrors: { text: head('/%E0%A4%A'), answered: true },
  upgrade: { text: head('/', 'connection: upgrade', 'upgrade: something'), answered: false },
  connect: { text: 'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n', answered: false },
  clientError: { text: 'nonsense\r\n\r\n', answered: false }
} as const

type Call = keyof typeof CALLS

async function start (t: Test): Promise<{ site: Site, port: number, called: Set<string>, block: { end: number, beganInTime: boolean } }> {
  const site = await makeSite(t)
  const called = new Set<string>()
  /** Until when requests to /block are held, and whether one began before that. */
  const block = { end: 0, beganInTime: false }
  const { port } = await startApp(t, site.endpoint(), (app: FastifyInstance) => {
    app.get('/', async () => 'hello')
    app.get('/block', (_request, reply) => {
      block.beganInTime = Date.now() < block.end
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, block.end - Date.now() + 1))
      reply.send('done')
    })
    app.server.on('request', ({ url }) => { if (url === '/') called.add('request') })
    for (const event of ['checkContinue', 'checkExpectation'] as const) {
      app.server.on(event, (_request, response) => {
        called.add(event)
        response.end()
      })
    }
    for (const event of ['upgrade', 'connect', 'clientError']) {
      app.server.on(event, (_cause, socket) => {
        called.add(event)
        socket.destroy()
      })
    }
  }, {
    frameworkErrors: (_error, _request, reply) => {
      called.add('frameworkErrors')
      const answer = reply as unknown as FastifyReply
      answer.code(400).send('bad')
    }
  })
  return { site, port, called, block }
}

async function send (t: Test, port: number, site: Site, client: Issued, call: Call): Promise<Peer> {
  const peer = new Peer(t, await connectTls(port, asClient(site, client)))
  peer.send(head('/block') + CALLS[call].text)
  return peer
}

for (const call of Object.keys(CALLS) as Call[]) {
  t.test(`${call} is called only for admitted clients`, async (t) => {
    const { site, port, called, block } = await start(t)
    const good = await send(t, port, site, site.alice, call)
    await until('the listener is called', () => called.has(call))
    good.socket.destroy()
    called.clear()
    const received = await whileItLives(site, async (leaf, end) => {
      block.end = end
      const received = await (await send(t, port, site, leaf, call)).closed
      return block.beganInTime ? received : undefined
    })
    t.match(received, CALLS[call].answered ? /done.*HTTP\/1\.1 403 .*FST_ENDPOINT_CLIENT_EXPIRED/s : /^HTTP\/1\.1 200 (?:(?!HTTP).)*$/s)
    t.notOk(called.has(call))
  })
}
