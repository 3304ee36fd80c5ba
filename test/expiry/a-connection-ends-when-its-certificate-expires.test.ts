/** The tests inject the clock, so that they decide when certificates expire. */
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { alertIn } from '../support/alerts.js'
import { asClient, connectTls, makeSite } from '../support/mutual-tls.js'
import { endsIn, openLayer } from '../support/open-layer.js'

const SECOND = 1000

t.test('a connection is closed within a second after its certificate expires, and not before', async (t) => {
  const site = await makeSite(t)
  const { port } = await openLayer(t, site)
  const short = await endsIn(site, SECOND)
  const client = await connectTls(port, asClient(site, short))
  client.on('error', () => {}).resume()
  await once(client, 'close')
  const late = Date.now() - Date.parse(short.x509.validTo)
  t.ok(late > 0, 'not before')
  t.ok(late < SECOND, `${late} ms late`)
})

t.test('a connection stays open when the certificate of another one expires', async (t) => {
  const site = await makeSite(t)
  const { port } = await openLayer(t, site)
  const alice = await connectTls(port, asClient(site, site.alice))
  const client = await connectTls(port, asClient(site, await endsIn(site, SECOND)))
  client.on('error', () => {}).resume()
  await once(client, 'close')
  t.notOk(alice.destroyed)
  alice.destroy()
})

t.test('a resumed session does not outlive its certificate', async (t) => {
  const site = await makeSite(t)
  const { port, clock, fed } = await openLayer(t, site)
  const leaf = await endsIn(site, 60 * SECOND)
  const first = await connectTls(port, asClient(site, leaf))
  const [session] = await once(first.resume(), 'session') as [Buffer]
  first.destroy()
  const admitted = once(fed, 'socket')
  const second = await connectTls(port, { ...asClient(site, leaf), session })
  t.ok(second.isSessionReused())
  t.ok((await admitted)[0] as TLSSocket)
  second.destroy()
  clock.shift = 120 * SECOND
  const third = await connectTls(port, { ...asClient(site, leaf), session })
  const [error] = await once(third, 'error')
  t.equal(alertIn(error), 'certificate_expired')
})
