/** People and NTP set clocks forward and back. */
import { once, type EventEmitter } from 'node:events'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import t from 'tap'
import { alertIn, alertSeenByNode } from '../support/alerts.js'
import { asClient, connectTls, makeSite, takeTicket } from '../support/mutual-tls.js'
import { openLayer } from '../support/open-layer.js'
import { endsIn } from '../support/short-lived.js'
import { until } from '../support/until.js'

const SECOND = 1000
const HOUR = 3600 * SECOND

/** Waits until the gate has admitted the connection: a TLS 1.3 client finishes its handshake earlier. */
async function comeIn (port: number, fed: EventEmitter, options: ConnectionOptions): Promise<TLSSocket> {
  const [client] = await Promise.all([connectTls(port, options), once(fed, 'socket')])
  return client.on('error', () => {}).resume()
}

t.test('a clock that jumps past the expiry of a certificate closes its connection within a second, and no other', async (t) => {
  const site = await makeSite(t)
  const { port, clock, fed } = await openLayer(t, site)
  const alice = await comeIn(port, fed, asClient(site, site.alice))
  const leaf = await endsIn(site, HOUR)
  let least = Infinity
  // The machine may be busy with something else for a while.
  for (let attempt = 0; attempt < 10 && least >= SECOND; attempt++) {
    clock.shift = 0
    const client = await comeIn(port, fed, asClient(site, leaf))
    const set = performance.now()
    clock.shift = 2 * HOUR
    await once(client, 'close')
    least = Math.min(least, performance.now() - set)
  }
  t.ok(least < SECOND, `${least} ms`)
  t.notOk(alice.destroyed)
  alice.destroy()
})

t.test('a client whose certificate has expired by the clock of the gate is rejected, whatever OpenSSL says', async (t) => {
  const site = await makeSite(t)
  const { port, clock } = await openLayer(t, site)
  const leaf = await endsIn(site, HOUR)
  clock.shift = 2 * HOUR
  t.equal(await alertSeenByNode({ port }, asClient(site, leaf)), 'certificate_expired')
})

t.test('all connections with an expired certificate are closed even if the clock is set back meanwhile', async (t) => {
  const site = await makeSite(t)
  const { port, clock, connections, fed } = await openLayer(t, site)
  const leaf = await endsIn(site, HOUR)
  // More connections than are closed in one turn of the event loop.
  const clients: TLSSocket[] = []
  while (clients.length < 60) clients.push(await comeIn(port, fed, asClient(site, leaf)))
  const closed = clients.map((client) => new Promise((resolve) => { client.once('close', resolve) }))
  clock.shift = 2 * HOUR
  await closed[0]
  clock.shift = 0
  await Promise.all(closed)
  await until('no connection is open', () => connections.size === 0)
})

t.test('a connection is closed at its deadline after the clock was set back', async (t) => {
  const site = await makeSite(t)
  const { port, clock, fed } = await openLayer(t, site)
  const leaf = await endsIn(site, HOUR)
  const client = await comeIn(port, fed, asClient(site, leaf))
  const closed = once(client, 'close')
  clock.shift = -2 * HOUR
  for (let look = 0; look < 2; look++) await once(fed, 'clock')
  t.notOk(client.destroyed, 'no longer due')
  clock.shift = 2 * HOUR
  await closed
})

t.test('a clock that is set back does not un-revoke a client', async (t) => {
  const site = await makeSite(t)
  const { port, clock, layer } = await openLayer(t, site)
  await site.revoke('mallory.pem')
  await layer.reload()
  clock.shift = -2 * HOUR
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})

t.test('a session cannot be resumed after the clock jumps past the expiry of its certificate', async (t) => {
  const site = await makeSite(t)
  const { port, clock, fed } = await openLayer(t, site)
  fed.on('socket', (socket: TLSSocket) => { socket.once('data', () => { socket.end('served') }) })
  const leaf = await endsIn(site, HOUR)
  const session = await takeTicket(port, asClient(site, leaf))
  clock.shift = 2 * HOUR
  const late = await connectTls(port, { ...asClient(site, leaf), session })
  const [error] = await once(late, 'error')
  t.equal(alertIn(error), 'certificate_expired')
})
