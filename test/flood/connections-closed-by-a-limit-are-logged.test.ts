import { Registry } from 'prom-client'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { Scrape } from '../support/scrape.js'

const TURNED_AWAY = 'fastify_endpoint_connections_turned_away_total'

t.test('a connection over maxConnections is counted, and the log has one line at once and one for all others', async (t) => {
  const log = new LogCapture()
  const metrics = new Registry()
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { logger: log.logger, plugin: { maxConnections: 1, metrics } })
  const kept = await Peer.connect(t, port)
  await kept.get()
  for (let others = 0; others < 3; others++) await (await Peer.connect(t, port)).closed
  const message = 'maxConnections reached: new connection closed'
  t.match(await log.line(message), { level: 40, turnedAway: 1, endpoint: /^tcp:0/ })
  const scrape = new Scrape(await metrics.metrics())
  t.equal(scrape.value(TURNED_AWAY, { bound: 'connections' }), 3)
  t.equal(scrape.value(TURNED_AWAY, { bound: 'handshakes' }), 0)
  kept.socket.destroy()
  await app.close()
  t.match(log.about(message), [{ turnedAway: 1 }, { turnedAway: 2 }])
})

t.test('a handshake that is dropped for a new connection is counted and logged too', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const metrics = new Registry()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger, plugin: { maxHandshakes: 1, metrics } })
  const silent = await Peer.connect(t, port)
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await silent.closed
  t.match(await log.line('too many pending handshakes: one was dropped'), { level: 40, turnedAway: 1 })
  t.equal(new Scrape(await metrics.metrics()).value(TURNED_AWAY, { bound: 'handshakes' }), 1)
})
