/**
 * The timer that closes a connection when its certificate expires is late if a turn of the event loop takes long.
 * Requests that arrive meanwhile are read in the same turn. Here the previous request makes the turn long.
 */
import t, { type Test } from 'tap'
import { openSession } from '../support/http2-client.js'
import { asClient, connectTls, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { whileItLives } from '../support/short-lived.js'

interface Running {
  readonly port: number
  readonly site: Site
  readonly served: () => number
  /** Until when requests to /block are held, and whether one began before that. */
  readonly block: { end: number, beganInTime: boolean }
}

async function open (t: Test): Promise<Running> {
  const site = await makeSite(t)
  const block = { end: Infinity, beganInTime: false }
  let served = 0
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => { served++ })
    app.get('/block', (_request, reply) => {
      block.beganInTime = Date.now() < block.end
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, block.end - Date.now() + 1))
      reply.send('done')
    })
  })
  return { port, site, block, served: () => served }
}

t.test('a request that is read after its client\'s certificate expires and before the timer fires gets a 403 with its own code', async (t) => {
  const { port, site, block, served } = await open(t)
  const received = await whileItLives(site, async (leaf, end) => {
    block.end = end
    const client = new Peer(t, await connectTls(port, asClient(site, leaf)))
    client.send(head('/block') + head())
    await client.closed
    return block.beganInTime ? client.received : undefined
  })
  t.match(received, /^HTTP\/1\.1 200 .*done.*HTTP\/1\.1 403 .*FST_ENDPOINT_CLIENT_EXPIRED/s)
  t.equal(served(), 0)
})

t.test('a request over HTTP/2 gets the same 403', async (t) => {
  const { port, site, block, served } = await open(t)
  const received = await whileItLives(site, async (leaf, end) => {
    block.end = end
    const session = await openSession(port, asClient(site, leaf))
    const closed = new Promise((resolve) => { session.on('error', () => {}).once('close', resolve) })
    await Promise.race([closed, new Promise((resolve) => { session.ping(resolve) })])
    if (session.destroyed) return undefined
    const received: Record<string, string> = {}
    for (const path of ['/block', '/']) {
      const stream = session.request({ ':path': path }).on('error', () => {}).setEncoding('utf8')
      stream.on('response', (headers) => { received[path] = `${headers[':status']} ` }).on('data', (chunk) => { received[path] += chunk })
    }
    await closed
    return block.beganInTime ? received : undefined
  })
  t.match(received, { '/block': '200 done', '/': /^403 .*FST_ENDPOINT_CLIENT_EXPIRED/ })
  t.equal(served(), 0)
})
