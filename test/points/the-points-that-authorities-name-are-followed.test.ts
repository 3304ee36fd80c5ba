/**
 * The line `cdp:` fetches the CRLs that the certificates of the authorities name, and the delta CRLs that those name.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf, scope, uri } from '../support/crl.js'
import { refusing, saying } from '../support/http-source.js'
import { INFO, LogCapture } from '../support/log.js'
import { asClient, get, putInForce, startApp } from '../support/mutual-tls.js'
import { at, freshest, freshestOf, makePointsSite } from '../support/points.js'
import { until } from '../support/until.js'

t.test('a CRL at a point of an authority is in force, and the clients it lists are rejected', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places } = site
  places.put('/root.crl', site.ca, [site.mallory])
  const { app, port } = await startApp(t, site.endpoint())
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  t.match(app.endpoint.listeners[0]?.revocation?.status([site.mallory.x509]), {
    status: 'revoked', kind: 'crl', source: { list: site.path('revoked.txt'), line: 2, source: places.url('/root.crl') }
  })
  t.same(app.endpoint.health().status, 'ready')

  places.put('/root.crl', site.ca, [site.issuing], { number: 2 })
  await app.endpoint.reload()
  t.ok(site.isRevoked(app, site.carol), 'if an issuing authority is revoked, all of its clients are')
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  await putInForce(app, async () => { await writeFile(site.path('revoked.txt'), '# none\n') })
  t.notOk(site.isRevoked(app, site.carol), 'without the line, its points are gone')
  await putInForce(app, async () => { await appendFile(site.path('revoked.txt'), `${places.url('/issuing.crl')}\nCDP:\ncdp:\n`) })
  t.ok(site.isRevoked(app, site.carol), 'and with it they are followed')
})

t.test('the delta CRLs that certificates and CRLs name are followed', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl')), freshestOf(url('/delta-of-certificate.crl'))])
  const { places, ca, alice, mallory, carol } = site
  places.put('/root.crl', ca, [], { extensions: [freshest(places.url('/delta-of-crl.crl'))] })
  places.put('/delta-of-certificate.crl', ca, [alice], { number: 3, base: 1 })
  places.put('/delta-of-crl.crl', ca, [mallory], { number: 2, base: 1 })
  places.put('/issuing.crl', site.issuing, [], { extensions: [freshest(places.url('/delta-of-line.crl'))] })
  places.put('/delta-of-line.crl', site.issuing, [carol], { number: 2, base: 1 })
  const { app } = await startApp(t, site.endpoint())
  t.same([alice, mallory].map((one) => site.isRevoked(app, one)), [true, false], 'of two CRLs the newer counts')
  t.ok(site.isRevoked(app, carol), 'points of a CRL that a line names too')

  places.put('/delta-of-line.crl', site.issuing, [], { number: 3, base: 1 })
  places.put('/delta-of-crl.crl', ca, [site.server, mallory], { number: 4, base: 1 })
  await app.endpoint.reload()
  t.same([alice, mallory, carol, site.server].map((one) => site.isRevoked(app, one)), [false, true, false, true])
})

t.test('a point that is no longer named is followed until its replacement has answered', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, alice, mallory } = site
  places.put('/root.crl', ca, [], { number: 1, extensions: [freshest(places.url('/delta.crl'))] })
  places.put('/delta.crl', ca, [mallory], { number: 2, base: 1 })
  const { app } = await startApp(t, site.endpoint())
  t.ok(site.isRevoked(app, mallory))

  places.put('/root.crl', ca, [], { number: 3, extensions: [freshest(places.url('/moved.crl'))] })
  places.put('/delta.crl', ca, [mallory, alice], { number: 4, base: 1 })
  await t.rejects(app.endpoint.reload(), { message: /moved\.crl/ })
  await t.rejects(app.endpoint.reload(), { message: /moved\.crl/ })
  t.same([alice, mallory].map((one) => site.isRevoked(app, one)), [true, true], 'its content counts in the meantime')

  places.put('/moved.crl', ca, [alice], { number: 5, base: 1 })
  await app.endpoint.reload()
  const asked = places.count('/delta.crl')
  await app.endpoint.reload()
  t.equal(places.count('/delta.crl'), asked, 'then it is no longer followed')
  t.same([alice, mallory].map((one) => site.isRevoked(app, one)), [true, false])
})

t.test('a point that a later CRL names is followed for as long as the CRL names it', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, mallory } = site
  places.put('/root.crl', ca)
  const { app } = await startApp(t, site.endpoint())
  places.put('/root.crl', ca, [], { number: 2, extensions: [freshest(places.url('/1.crl'))] })
  places.put('/1.crl', ca, [], { number: 3, base: 2, extensions: [freshest(places.url('/2.crl'))] })
  places.put('/2.crl', ca, [mallory], { number: 4, base: 2 })
  await app.endpoint.reload()
  t.ok(site.isRevoked(app, mallory), 'in one reload, over two steps')
  places.put('/root.crl', ca, [], { number: 5 })
  await app.endpoint.reload()
  t.notOk(site.isRevoked(app, mallory))
  const asked = places.count('/1.crl')
  await app.endpoint.reload()
  t.equal(places.count('/1.crl'), asked)
  t.equal(app.endpoint.health().status, 'ready')
})

t.test('a CRL from elsewhere that names its own address is then fetched from that address', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, issuing, carol, mallory } = site
  const own = (path: string, ...others: string[]): Buffer => scope({ names: [path, ...others].map((name) => uri(places.url(name))) })
  places.put('/root.crl', ca, [mallory], { scope: own('/elsewhere.crl', '/root.crl') })
  places.put('/issuing.crl', issuing, [], { scope: own('/canonical.crl') })
  places.put('/canonical.crl', issuing, [carol], { number: 2, scope: own('/canonical.crl') })
  const { app } = await startApp(t, site.endpoint())
  await until('the CRL is asked for once', () => places.count('/canonical.crl') === 1)
  t.equal(places.count('/elsewhere.crl'), 0)
  const listed = await issuing.issue({ name: 'dave', usage: 'client', extensions: [at(places.url('/canonical.crl'))] })
  places.put('/canonical.crl', issuing, [listed], { number: 3, scope: own('/canonical.crl') })
  await app.endpoint.reload()
  t.ok(site.isRevoked(app, listed))
})

t.test('circular and endless references come to a stop', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/1.crl'))])
  const { places, ca } = site
  const names = (number: number, next: number): void => places.put(`/${number}.crl`, ca, [], { number, ...(number > 1 && { base: 1 }), extensions: [freshest(places.url(`/${next}.crl`))] })
  const counts = (): number[] => [1, 2, 3, 4, 5].map((number) => places.count(`/${number}.crl`))
  for (const [number, next] of [[1, 2], [2, 3], [3, 1], [4, 5]] as const) names(number, next)
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.same(counts(), [1, 1, 1, 0, 0])
  t.same(log.lines.filter(({ level }) => level > INFO), [])
  names(3, 4)
  await app.endpoint.reload()
  t.same(counts(), [2, 2, 2, 0, 0])
  t.match(log.lines.filter(({ level }) => level > INFO), [{ level: 40, msg: /line 2: CRLs name further CRLs in more than 3 steps, which are not followed/ }])
  t.equal(app.endpoint.health().status, 'ready')
})

t.test('a newer CRL is loaded without a reload, with conditional requests', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, mallory } = site
  places.at.set('/root.crl', saying(makeCrl(ca).der, { etag: '"1"' }))
  const { app } = await startApp(t, site.endpoint())
  places.at.set('/root.crl', (request, response) => { (request.headers['if-none-match'] === '"1"' ? refusing(304) : refusing(500))(request, response) })
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'ready')
  places.at.set('/root.crl', refusing(503))
  await app.endpoint.reload().catch(() => {})
  t.equal(app.endpoint.health().status, 'degraded')
  places.at.set('/root.crl', saying(makeCrl(ca, { number: 2, entries: [{ serial: serialOf(mallory.der) }] }).der))
  await until('mallory is revoked', () => site.isRevoked(app, mallory))
  t.pass('it was tried again')
})
