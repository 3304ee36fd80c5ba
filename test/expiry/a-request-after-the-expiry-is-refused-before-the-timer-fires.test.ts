/**
 * The timer that closes a connection when its certificate expires is late if a turn of the event loop takes long.
 * Requests that arrive meanwhile are read in the same turn. Here the previous request makes the turn long.
 */
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { openSession } from '../support/http2-client.js'
import { asClient, connectTls, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { endsIn } from '../support/open-layer.js'
import { head } from '../support/peer.js'
import type { Issued } from '../support/pki.js'

async function open (t: Test): Promise<{ port: number, site: Site, short: Issued, served: () => number }> {
  const site = await makeSite(t)
  let end = Infinity
  let served = 0
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => { served++ })
    app.get('/block', (_request, reply) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(0, end - Date.now() + 1))
      reply.send('done')
    })
  })
  // Issued last, because its short life would end during a slow start of the app.
  const short = await endsIn(site, 1500)
  end = Date.parse(short.x509.validTo)
  return { port, site, short, served: () => served }
}

t.test('a request that is read after its client\'s certificate expires and before the timer fires gets a 403 with its own code', async (t) => {
  const { port, site, short, served } = await open(t)
  const client = await connectTls(port, asClient(site, short))
  let received = ''
  client.on('error', () => {}).on('data', (chunk) => { received += chunk })
  const closed = once(client, 'close')
  client.write(head('/block') + head())
  await closed
  t.match(received, /^HTTP\/1\.1 200 .*done.*HTTP\/1\.1 403 .*FST_ENDPOINT_CLIENT_EXPIRED/s)
  t.equal(served(), 0)
})

t.test('a request over HTTP/2 gets the same 403', async (t) => {
  const { port, site, short, served } = await open(t)
  const session = await openSession(port, asClient(site, short))
  await new Promise((resolve) => { session.ping(resolve) })
  const closed = once(session.on('error', () => {}), 'close')
  const received: Record<string, string> = {}
  for (const path of ['/block', '/']) {
    const stream = session.request({ ':path': path }).on('error', () => {}).setEncoding('utf8')
    stream.on('response', (headers) => { received[path] = `${headers[':status']} ` }).on('data', (chunk) => { received[path] += chunk })
  }
  await closed
  t.match(received, { '/block': '200 done', '/': /^403 .*FST_ENDPOINT_CLIENT_EXPIRED/ })
  t.equal(served(), 0)
})
