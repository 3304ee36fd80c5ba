import { once } from 'node:events'
import { mock } from 'node:test'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { untilDeaf } from '../support/closing.js'
import { openSession } from '../support/http2-client.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'

interface Waiting {
  readonly app: FastifyInstance
  readonly log: LogCapture
}

/** An app with a request under way in HTTP/1 and in HTTP/2, and an upgraded connection. */
async function startWaiting (t: Test, closeTimeout?: number): Promise<Waiting> {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/slow', () => new Promise(() => {}))
    app.server.on('upgrade', (_request, socket) => { socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: own\r\n\r\n') })
  }, { logger: log.logger, forceCloseConnections: false, ...(closeTimeout !== undefined && { plugin: { closeTimeout } }) })
  const peer = async (): Promise<Peer> => new Peer(t, await connectTls(port, asClient(site, site.alice)))
  const [slow, upgraded] = [await peer(), await peer()]
  const asked = once(app.server, 'request')
  slow.send(head('/slow'))
  await asked
  upgraded.send(head('/', 'connection: upgrade', 'upgrade: own'))
  await upgraded.until('101')
  const session = await openSession(port, asClient(site, site.alice))
  t.teardown(() => { session.destroy() })
  session.on('error', () => {}).request({ ':path': '/slow' }).on('error', () => {})
  while (log.about('incoming request').length < 2) await once(log, 'line')
  return { app, log }
}

t.test('after ten seconds, the log says what close() waits for', async (t) => {
  const { app, log } = await startWaiting(t)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => { mock.timers.reset() })
  const closed = once(app.server, 'close')
  app.server.close()
  await untilDeaf(app)
  mock.timers.tick(9_999)
  t.same(log.about('close() waits for 3 connections (2 in a request; 1 upgraded, as WebSockets are)'), [])
  mock.timers.tick(1)
  t.match(await log.line('close() waits for 3 connections (2 in a request; 1 upgraded, as WebSockets are)'), { level: 40, requests: 2, upgraded: 1, handshakes: 0, idle: 0 })
  mock.timers.reset()
  app.server.closeAllConnections()
  await closed
})

t.test('closeTimeout limits the wait, and the log says what was cut', async (t) => {
  const { app, log } = await startWaiting(t, 300)
  await app.close()
  t.match(await log.line('closeTimeout reached: 3 connections (2 in a request; 1 upgraded, as WebSockets are) closed'), { level: 40, closeTimeout: 300, requests: 2, upgraded: 1 })
})

t.test('a closeTimeout that is not a valid time is refused', async (t) => {
  for (const closeTimeout of [0, -1, 1.5, NaN, 2 ** 31]) {
    await t.rejects(startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin: { closeTimeout } }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /closeTimeout/ })
  }
  await t.resolves(startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin: { closeTimeout: Infinity } }))
})
