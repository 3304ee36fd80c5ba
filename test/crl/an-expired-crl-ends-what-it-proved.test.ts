/** The clock is injected: CRLs expire when the test says so. */
import { once } from 'node:events'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alertIn, alertSeenByNode } from '../support/alerts.js'
import { loadCrls, makeCrl, STRICT } from '../support/crl.js'
import { makeCrlSite } from '../support/crl-site.js'
import { asClient, connectTls } from '../support/mutual-tls.js'
import { openLayer } from '../support/open-layer.js'
import { createAuthority } from '../support/pki.js'

const MINUTE = 60 * 1000
const soon = (): Date => new Date(Date.now() + MINUTE)

t.test('under expiredCrl=deny an open connection is closed when nextUpdate has passed', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [], { nextUpdate: soon() })
  const { port, clock, fed } = await openLayer(t, site, site.strict('expiredCrl=deny'))
  const admitted = once(fed, 'socket')
  const client = await connectTls(port, asClient(site, site.alice))
  await admitted
  const closed = once(client.on('error', () => {}).resume(), 'close')
  clock.shift = 2 * MINUTE
  await closed
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_unknown')
})

t.test('under expiredCrl=use the connection stays open, and new ones are accepted', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [site.mallory], { nextUpdate: soon() })
  const { port, clock, connections, layer } = await openLayer(t, site, site.strict())
  const client = await connectTls(port, asClient(site, site.alice))
  clock.shift = 2 * MINUTE
  layer.gate.advance()
  await connections.cutRefused(layer.gate)
  t.notOk(client.destroyed)
  client.destroy()
  const again = await connectTls(port, asClient(site, site.alice))
  t.notOk(again.destroyed)
  again.destroy()
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked', 'a revoked client stays revoked')
})

t.test('a session cannot be resumed after nextUpdate', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [], { nextUpdate: soon() })
  const { port, clock } = await openLayer(t, site, site.strict('expiredCrl=deny'))
  const first = await connectTls(port, asClient(site, site.alice))
  const [session] = await once(first.resume(), 'session') as [Buffer]
  first.destroy()
  clock.shift = 2 * MINUTE
  const resumed = await connectTls(port, { ...asClient(site, site.alice), session })
  t.ok(resumed.isSessionReused())
  const [error] = await once(resumed, 'error')
  t.equal(alertIn(error), 'certificate_unknown')
})

t.test('a client whose path is forgotten is good only until the first CRL expires', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const other = await createAuthority({ name: 'Other' })
  const alice = await root.issue({ name: 'alice' })
  const path = { certificates: [identifyCertificate(alice.der)], anchor: undefined }
  const nextUpdate = new Date('2026-02-01')
  let now = new Date('2026-01-15')
  const set = await loadCrls(t, [root, other], [
    makeCrl(root, { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-03-01') }),
    makeCrl(other, { thisUpdate: new Date('2026-01-01'), nextUpdate }),
    makeCrl(other, { number: null, version: 2, base: 7 })
  ], () => now)
  t.same(set.judge(path, STRICT), { status: 'good', goodUntil: nextUpdate })
  t.same(set.judge(path, { unknownStatus: 'deny' }), { status: 'good' })
  now = new Date('2026-02-02')
  t.same(set.judge(path, STRICT), { status: 'unknown', index: 0, isExpired: true })
  t.same(set.judge(path, {}), { status: 'good' })
})
