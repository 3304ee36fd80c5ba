/** Peers that read nothing are closed silently: the log and a metric report them, in a few lines however many there are. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Registry } from 'prom-client'
import { INFO, LogCapture } from '../support/log.js'
import { asClient, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { frame, INITIAL_WINDOW_SIZE, number, openRaw, ping, request, setting, WINDOW_UPDATE } from '../support/raw-http2.js'
import { Scrape } from '../support/scrape.js'
import { HUGE, Looks } from '../support/taking.js'

const NAME = 'fastify_endpoint_stalled_ended_total'

interface Told extends RunningApp {
  readonly log: LogCapture
  count (reason: string): Promise<number | undefined>
}

async function start (t: Test, endpoint: string): Promise<Told> {
  const log = new LogCapture()
  const metrics = new Registry()
  const running = await startApp(t, endpoint, (app) => {
    app.get('/', async () => HUGE)
    app.get('/small', async () => 'x'.repeat(500))
  }, { logger: log.logger, forceCloseConnections: false, plugin: { metrics } })
  const [label] = new Scrape(await metrics.metrics()).all(NAME).map(({ labels }) => labels['endpoint'] ?? '')
  return { ...running, log, count: async (reason) => new Scrape(await metrics.metrics()).value(NAME, { endpoint: label ?? '', reason }) }
}

/** A client that sends a request, reads the first bytes and then stops reading. */
async function openUnread (t: Test, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => { socket.destroy() })
  socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'readable')
  return socket
}

t.test('a connection is logged if its peer reads nothing for too long', async (t) => {
  const { app, port, log, count } = await start(t, 'tcp:0:interface=127.0.0.1')
  for (let client = 0; client < 3; client++) await openUnread(t, port)
  const looks = new Looks(app)
  for (let look = 0; look < 20; look++) await looks.after(look / 100)
  t.equal(await count('idle'), 0)
  t.equal(await looks.after(121), 0)
  t.equal(await count('idle'), 3)
  t.match(log.about('read no data'), [{ level: INFO, endpoint: 'tcp:0:interface=127.0.0.1', ended: 1 }])
  t.equal(log.about('read no data').length, 1, 'a line at once')
  await app.close()
  t.match(log.about('read no data'), [{ ended: 1 }, { ended: 2 }], 'and one with how many there were')
})

t.test('a connection is logged if it holds most of the memory', async (t) => {
  const { app, port, log, count } = await start(t, 'tcp:0:interface=127.0.0.1')
  for (let client = 0; client < 2; client++) await openUnread(t, port)
  const looks = new Looks(app)
  for (let look = 0; look < 20; look++) await looks.after(look / 100)
  t.equal(await looks.after(3, 12 * HUGE.length), 1)
  t.equal(await count('memory'), 1)
  t.match(log.about('held too much memory'), [{ level: INFO, ended: 1 }])
  t.equal(await looks.after(121), 0)
  await app.close()
})

t.test('HTTP/2 streams are logged if their peer gives them no window', async (t) => {
  const site = await makeSite(t)
  const { app, port, log, count } = await start(t, `${site.endpoint()}:alpn=h2+http/1.1`)
  const socket = await openRaw(t, port, asClient(site, site.alice))
  socket.write(Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), request(1, '/'), request(3, '/')]))
  await ping(socket)
  const looks = new Looks(app)
  let stream = 5
  for (let seconds = 0; seconds <= 76; seconds += 4) {
    socket.write(Buffer.concat([request(stream, '/small'), frame(WINDOW_UPDATE, 0, stream, number(1000))]))
    stream += 2
    await ping(socket)
    t.equal(await looks.after(seconds), 1)
  }
  t.equal(await count('stream'), 2)
  t.match(log.about('opened no window for their data'), [{ level: INFO, ended: 2 }])
  t.equal(await count('idle'), 0)
  app.server.closeAllConnections?.()
  socket.destroy()
})
