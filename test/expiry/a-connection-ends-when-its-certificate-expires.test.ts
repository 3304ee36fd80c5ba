/** The tests inject the clock, so that they decide when certificates expire. */
import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { alertIn } from '../support/alerts.js'
import { asClient, connectTls, makeSite, type Site } from '../support/mutual-tls.js'
import { openLayer, type OpenLayer } from '../support/open-layer.js'
import type { Issued } from '../support/pki.js'
import { endsIn, whileItLives } from '../support/short-lived.js'

const SECOND = 1000

/** Connects, and gives when the connection was closed, in milliseconds after the end of the certificate; undefined if it was not admitted before. */
async function latenessOf ({ port, fed }: OpenLayer, site: Site, leaf: Issued, end: number): Promise<number | undefined> {
  const admitted = once(fed, 'socket').then(() => true)
  const client = await connectTls(port, asClient(site, leaf))
  const closed = once(client.on('error', () => {}).resume(), 'close').then(() => Date.now() - end)
  return await Promise.race([admitted, closed]) === true ? await closed : undefined
}

t.test('a connection is closed within a second after its certificate expires, and not before', async (t) => {
  const site = await makeSite(t)
  const layer = await openLayer(t, site)
  const late = await whileItLives(site, async (leaf, end) => {
    const lateness = await latenessOf(layer, site, leaf, end)
    if (lateness !== undefined) t.ok(lateness > 0, 'not before')
    // The machine may be busy with something else for a while: the first try in time counts.
    return lateness === undefined || lateness < SECOND ? lateness : undefined
  })
  t.ok(late < SECOND, `${late} ms late`)
})

t.test('a connection stays open when the certificate of another one expires', async (t) => {
  const site = await makeSite(t)
  const layer = await openLayer(t, site)
  const alice = await connectTls(layer.port, asClient(site, site.alice))
  await whileItLives(site, async (leaf, end) => await latenessOf(layer, site, leaf, end))
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
