/** The current authorities of the endpoint decide which distribution points are followed. */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { putInForce, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { at, makePointsSite } from '../support/points.js'
import { until } from '../support/until.js'

t.test('removing an authority removes its points, and adding one adds its points', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, mallory, alice } = site
  places.put('/root.crl', ca, [mallory])
  const { app } = await startApp(t, site.endpoint())
  t.ok(site.isRevoked(app, mallory))
  const other = await createAuthority({ name: 'Other CA', issuer: ca, extensions: [at(places.url('/other.crl'))] })
  places.put('/other.crl', ca, [alice], { number: 2 })
  places.put('/issuing.crl', ca, [mallory], { number: 1 })
  await putInForce(app, async () => { await writeFile(site.path('ca.pem'), `${ca.certificate}${other.certificate}`) })
  t.ok(site.isRevoked(app, alice))
  const asked = places.count('/root.crl')
  await app.endpoint.reload()
  t.equal(places.count('/root.crl'), asked)
  t.equal(places.count('/other.crl') > 1, true)
  t.equal(app.endpoint.health().status, 'ready')
})

t.test('a new authority whose point is down delays nothing, and is reported', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, mallory } = site
  places.put('/root.crl', ca, [mallory])
  const { app } = await startApp(t, site.endpoint())
  const other = await createAuthority({ name: 'Other CA', issuer: ca, extensions: [at(places.url('/other.crl'))] })
  const dave = await other.issue({ name: 'dave', usage: 'client' })
  await writeFile(site.path('ca.pem'), `${ca.certificate}${site.issuing.certificate}${other.certificate}`)
  await app.endpoint.reload().catch(() => {})
  t.ok(site.isRevoked(app, mallory))
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ error: 'FST_ENDPOINT_SOURCE_FAILED', message: /other.crl could not be loaded: it answers 404/ }] })
  places.put('/other.crl', ca, [mallory, other], { number: 2 })
  await until('dave is revoked', () => site.isRevoked(app, dave))
  await until('the app is ready', () => app.endpoint.health().status === 'ready')
  t.pass('it was tried again')
})

t.test('endpoints that share a list and authorities send one request', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca, mallory } = site
  places.put('/root.crl', ca, [mallory])
  const { app } = await startApp(t, [site.endpoint(), site.endpoint()])
  t.equal(places.count('/root.crl'), 1)
  await app.endpoint.reload()
  t.same(app.endpoint.listeners.map(({ revocation }) => revocation?.status([mallory.x509]).status), ['revoked', 'revoked'])
})
