import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { alertSeenByNode, alertSeenByOpenssl } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { makeCrlSite } from '../support/crl-site.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, get, putInForce, startApp, takeTicket } from '../support/mutual-tls.js'
import { openLayer } from '../support/open-layer.js'
import { createAuthority, element, Extension } from '../support/pki.js'

const DENY = ['unknownStatus=deny', 'expiredCrl=deny']
const PAST = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-01-02') }

for (const version of ['1.2', '1.3']) {
  t.test(`a client that a CRL revokes gets alert 44, and other clients are served (TLS ${version})`, async (t) => {
    const site = await makeCrlSite(t)
    await site.list('ca', site.ca, [site.mallory])
    const { port } = await startApp(t, site.strict(...DENY))
    const flags = [`-tls${version.replace('.', '_')}`, '-CAfile', site.path('ca.pem')]
    t.equal(await alertSeenByOpenssl(port, [...flags, '-cert', site.path('mallory.pem'), '-key', site.path('mallory.key')]), 44)
    t.equal(await alertSeenByOpenssl(port, [...flags, '-cert', site.path('alice.pem'), '-key', site.path('alice.key')]), undefined)
    t.equal((await get(port, asClient(site, site.alice))).status, 200)
  })
}

t.test('a newer CRL closes the connections of the clients it revokes, and no others', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  const { app, port } = await startApp(t, site.strict(...DENY))
  const [alice, mallory] = await Promise.all([site.alice, site.mallory].map((leaf) => connectTls(port, asClient(site, leaf))))
  const closed = once(mallory?.on('error', () => {}).resume() as NonNullable<typeof mallory>, 'close')
  await putInForce(app, () => site.list('ca', site.ca, [site.mallory], { number: 2 }))
  await closed
  t.notOk(alice?.destroyed)
  alice?.destroy()
  const [listener] = app.endpoint.listeners
  t.match(listener?.revocation?.status([site.mallory.x509]), { status: 'revoked', reason: 'keyCompromise', source: { file: site.path('ca.crl') } })
})

t.test('a newer CRL with a defect closes the connections of the clients it revokes too', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  const { app, port } = await startApp(t, site.strict())
  const [alice, mallory] = await Promise.all([site.alice, site.mallory].map((leaf) => connectTls(port, asClient(site, leaf))))
  const closed = once(mallory?.on('error', () => {}).resume() as NonNullable<typeof mallory>, 'close')
  const entry = element(0x30, element(0x02, Buffer.from(serialOf(site.mallory.der), 'hex')), element(0x17, Buffer.from('260101000000+0100')))
  await putInForce(app, () => writeFile(site.path('ca.crl'), makeCrl(site.ca, { number: 2, madeEntries: entry }).der))
  await closed
  t.notOk(alice?.destroyed)
  alice?.destroy()
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})

for (const { title, apply, detail } of [
  { title: 'no CRL covers', apply: async () => {}, detail: 'no CRL covers a certificate of the path' },
  { title: 'an expired CRL covers', apply: async (site: Awaited<ReturnType<typeof makeCrlSite>>) => { await site.list('ca', site.ca, [], PAST) }, detail: 'the CRL that covers a certificate of the path has expired' }
]) {
  t.test(`a client that ${title} gets alert 46, and the log says why`, async (t) => {
    const site = await makeCrlSite(t)
    const other = await createAuthority({ name: 'Other' })
    await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
    await site.list('other', other)
    await apply(site)
    const log = new LogCapture()
    const { port } = await startApp(t, site.strict(...DENY), undefined, { logger: log.logger })
    t.equal(await alertSeenByOpenssl(port, ['-CAfile', site.path('ca.pem'), '-cert', site.path('alice.pem'), '-key', site.path('alice.key')]), 46)
    t.match(await log.line('client rejected'), { reason: 'certificate_unknown', detail })
    const { port: lenient } = await startApp(t, site.strict())
    t.equal((await get(lenient, asClient(site, site.alice))).status, 200, 'and is served without the policies')
  })
}

t.test('under unknownStatus=deny clients become unknown, not good, when the list no longer names a CRL', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  const { app, port } = await startApp(t, site.strict('unknownStatus=deny'))
  const alice = await connectTls(port, asClient(site, site.alice))
  const closed = once(alice.on('error', () => {}).resume(), 'close')
  await writeFile(site.path('revoked.txt'), '# none\n')
  await app.endpoint.reload()
  await closed
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_unknown')
})

t.test('revocationDepth=leaf checks the client\'s own certificate only', async (t) => {
  const site = await makeCrlSite(t)
  const issuing = await createAuthority({ name: 'Issuing', issuer: site.ca })
  const [alice, mallory] = await Promise.all(['alice', 'mallory'].map((name) => issuing.issue({ name, usage: 'client' })))
  await writeFile(site.path('ca.pem'), site.ca.certificate + issuing.certificate)
  await site.list('issuing', issuing, mallory === undefined ? [] : [mallory])
  await site.list('ca', site.ca, [issuing])
  const [leaf, chain] = await Promise.all(['leaf', 'chain'].map((depth) => startApp(t, site.strict(`revocationDepth=${depth}`))))
  t.equal((await get(leaf?.port ?? 0, asClient(site, alice))).status, 200)
  t.equal(await alertSeenByNode({ port: leaf?.port ?? 0 }, asClient(site, mallory)), 'certificate_revoked')
  t.equal(await alertSeenByNode({ port: chain?.port ?? 0 }, asClient(site, alice)), 'certificate_revoked')
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a newer CRL stops the sessions of the clients it revokes, and other clients can resume theirs (${version})`, async (t) => {
    const site = await makeCrlSite(t)
    await site.list('ca', site.ca)
    const { app, port } = await startApp(t, site.strict(...DENY))
    const client = { alice: { ...asClient(site, site.alice), maxVersion: version }, mallory: { ...asClient(site, site.mallory), maxVersion: version } }
    const session = await takeTicket(port, client.mallory)
    const resumed = await connectTls(port, { ...client.mallory, session })
    t.ok(resumed.isSessionReused())
    const closed = once(resumed.on('error', () => {}).resume(), 'close')
    await putInForce(app, () => site.list('ca', site.ca, [site.mallory], { number: 2 }))
    await closed
    t.equal(await alertSeenByNode({ port }, { ...client.mallory, session }), 'certificate_revoked')
    const again = await connectTls(port, { ...client.alice, session: await takeTicket(port, client.alice) })
    t.ok(again.isSessionReused())
    again.destroy()
  })
}

t.test('one reload adds or removes authorities together with their CRLs', async (t) => {
  const site = await makeCrlSite(t)
  const other = await createAuthority({ name: 'Other' })
  const [bob, eve] = await Promise.all(['bob', 'eve'].map((name) => other.issue({ name, usage: 'client' }))) as [Awaited<ReturnType<typeof other.issue>>, Awaited<ReturnType<typeof other.issue>>]
  await site.list('ca', site.ca)
  const { app, port } = await startApp(t, site.strict(...DENY))
  t.equal(await alertSeenByNode({ port }, asClient(site, bob)), 'unknown_ca')
  await putInForce(app, async () => {
    await site.list('other', other, [eve])
    await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  })
  t.equal((await get(port, asClient(site, bob))).status, 200)
  t.equal(await alertSeenByNode({ port }, asClient(site, eve)), 'certificate_revoked')
  const open = await connectTls(port, asClient(site, bob))
  const closed = once(open.on('error', () => {}).resume(), 'close')
  await putInForce(app, async () => {
    await writeFile(site.path('ca.pem'), site.ca.certificate)
    await site.remove('other')
  })
  await closed
  t.equal(await alertSeenByNode({ port }, asClient(site, bob)), 'unknown_ca')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('removing an authority closes the connections of its clients, even if the list has too many entries', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  const other = await createAuthority({ name: 'Other' })
  const bob = await other.issue({ name: 'bob', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  const { app, port } = await startApp(t, site.strict(), undefined, { logger: log.logger, plugin: { limits: { entries: 1 } } })
  const open = await connectTls(port, asClient(site, bob))
  const closed = once(open.on('error', () => {}).resume(), 'close')
  await site.list('ca', site.ca, [site.mallory])
  await site.list('second', site.ca, [site.alice], { number: 2 })
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES' })
  await closed
  t.match(await log.line('credentials reloaded'), { cut: Number }, 'and it gets that alert')
  t.equal(await alertSeenByNode({ port }, asClient(site, bob)), 'unknown_ca')
})

t.test('authorities whose revocations have too many entries do not take effect, and revoked clients stay revoked', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  const renewed = await createAuthority({ name: 'Test CA', keyPair: site.ca.keyPair })
  await site.list('ca', site.ca, [site.mallory])
  const { app, port } = await startApp(t, site.strict(), undefined, { logger: log.logger, plugin: { limits: { entries: 3 } } })
  await site.list('second', site.ca, [site.alice, site.server], { number: 2 })
  await writeFile(site.path('ca.pem'), renewed.certificate)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES' })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.same(log.about('credentials reloaded'), [])
  await site.remove('second')
  t.match(await log.line('credentials reloaded'), { cut: 0 }, 'when there is room they are retried automatically')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})

t.test('an authority that cannot be read as a CRL signer is ignored, and its clients are rejected', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  const other = await createAuthority({ name: 'Other' })
  const odd = await createAuthority({ name: 'Odd', extensions: [new Extension('2.5.29.31', false, Buffer.from('3007300580030a0b0c', 'hex'))] })
  const bob = await other.issue({ name: 'bob', usage: 'client' })
  const carol = await odd.issue({ name: 'carol', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  const { app, port } = await startApp(t, site.strict(), undefined, { logger: log.logger })
  await putInForce(app, () => writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate + odd.certificate))
  t.equal(log.about('CN=Odd is left out').length, 1)
  t.equal((await get(port, asClient(site, bob))).status, 200)
  t.equal(await alertSeenByNode({ port }, asClient(site, carol)), 'unknown_ca')
  await writeFile(site.path('ca.pem'), odd.certificate)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_NO_ANCHOR', file: site.path('ca.pem') })
  t.equal((await get(port, asClient(site, bob))).status, 200, 'the last good content')
})

t.test('a connection is closed when a CRL that was loaded after it opened expires', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  const { port, layer, clock } = await openLayer(t, site, site.strict(...DENY))
  const alice = await connectTls(port, asClient(site, site.alice))
  const closed = once(alice.on('error', () => {}).resume(), 'close')
  await site.list('ca', site.ca, [], { number: 2, nextUpdate: new Date(Date.now() + 60 * 60 * 1000) })
  await layer.reload()
  t.notOk(alice.destroyed)
  clock.shift = 61 * 60 * 1000
  await closed
})

t.test('an app does not start with a CRL that no authority has signed', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('other', await createAuthority({ name: 'Other' }))
  await t.rejects(startApp(t, site.strict()), { code: 'FST_ENDPOINT_CRL_UNSIGNED', file: site.path('other.crl') })
})

t.test('a reload reports and ignores a CRL that no authority has signed, and everything else takes effect', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [site.mallory])
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.strict(...DENY), undefined, { logger: log.logger })
  await site.list('ca', await createAuthority({ name: 'Test CA' }), [], { number: 2 })
  const carol = await site.ca.issue({ name: 'carol', usage: 'client' })
  await writeFile(site.path('revoked.txt'), '*.crl\ncarol.pem\n')
  await site.write('carol', carol)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_CRL_UNSIGNED' })
  t.ok(log.lines.some((line) => line.level === 50 && JSON.stringify(line).includes('the CRL is ignored')))
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, carol)), 'certificate_revoked')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})
