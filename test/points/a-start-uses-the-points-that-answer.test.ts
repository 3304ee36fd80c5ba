/**
 * A start needs every distribution point, from one of its addresses or from a copy, and never waits beyond its limit.
 */
import { readdir } from 'node:fs/promises'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PointSource } from '../../lib/revocation/sources/points/source.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { refusing, saying } from '../support/http-source.js'
import { LogCapture } from '../support/log.js'
import { startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { at, freshest, makePointsSite } from '../support/points.js'
import { errorOf } from '../support/rejection.js'
import { PATIENCE } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })

async function failToStart (t: Test, site: Site, pluginTimeout = PATIENCE): Promise<ReturnType<typeof errorOf>> {
  const app = Fastify({ serverFactory, pluginTimeout })
  t.teardown(() => app.close())
  return await errorOf(() => app.register(endpoint, { endpoint: site.endpoint() }))
}

t.test('an app starts if one of two addresses of an authority is down, and reports it once', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/first.crl'), url('/second.crl'))], ca)
  const { places, mallory } = site
  places.put('/second.crl', ca, [mallory])
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.ok(site.isRevoked(app, mallory))
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'ready')
  const told = log.about('because another address failed')
  t.match(told, [{ level: 40, msg: `source ${places.url('/first.crl')}: its CRL was fetched from ${places.url('/second.crl')}, because another address failed (${places.url('/first.crl')}: it answers 404)` }])

  places.at.set('/first.crl', saying('<html>This domain is for sale</html>'))
  places.put('/second.crl', ca, [mallory, site.alice], { number: 2 })
  await app.endpoint.reload()
  t.ok(site.isRevoked(app, site.alice), 'an answer that is not a CRL counts as none')
  places.put('/first.crl', ca, [], { number: 3 })
  await app.endpoint.reload()
  t.notOk(site.isRevoked(app, mallory), 'the first is tried again when it is back')
  places.at.clear()
  places.put('/issuing.crl', site.issuing)
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /first.crl: it answers 404; .*second.crl: it answers 404$/ })
  t.equal(app.endpoint.health().status, 'degraded')
})

t.test('an address that does not answer is given up for the next one in time', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/silent.crl'), url('/second.crl'))], ca)
  site.places.at.set('/silent.crl', () => {})
  site.places.put('/second.crl', ca, [site.mallory])
  const { app } = await startApp(t, site.endpoint())
  t.ok(site.isRevoked(app, site.mallory))
})

t.test('an app does not start if no address answers, and reports the error in time', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  const { places } = site
  t.match(await failToStart(t, site), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: `source ${places.url('/root.crl')} could not be loaded: it answers 404`, line: 2, file: site.path('revoked.txt') })
  places.put('/root.crl', ca, [], { extensions: [freshest(places.url('/delta.crl'))] })
  places.at.set('/delta.crl', () => {})
  // All steps together have one limit: with one each, the error would be that of the whole start.
  const late = await failToStart(t, site, 6000)
  t.match(late, { code: 'FST_ENDPOINT_SOURCE_TIMEOUT', message: new RegExp(`source ${places.url('/delta.crl')} could not be loaded within [0-9]+ ms`) })
})

t.test('an app starts with the copies of earlier CRLs, delta CRLs included', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  const { places, mallory } = site
  const plugin = { cacheDir: site.path('cache') }
  places.put('/root.crl', ca, [], { extensions: [freshest(places.url('/delta.crl'))] })
  places.put('/delta.crl', ca, [mallory], { number: 2, base: 1 })
  const before = await startApp(t, site.endpoint(), undefined, { plugin })
  await before.app.close()
  t.equal((await readdir(plugin.cacheDir)).length, 3)
  for (const path of ['/root.crl', '/delta.crl', '/issuing.crl']) places.at.set(path, refusing(503))
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin, logger: log.logger })
  t.ok(site.isRevoked(app, mallory))
  t.equal(log.about('its copy in cacheDir is in force').length, 3)
  places.put('/issuing.crl', site.issuing)
  places.put('/root.crl', ca, [], { number: 3 })
  await app.endpoint.reload().catch(() => {})
  await app.endpoint.reload()
  t.notOk(site.isRevoked(app, mallory))
  t.equal(app.endpoint.health().status, 'ready')
})

t.test('validators are sent only to the address that issued them', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/first.crl'), url('/second.crl'))], ca)
  const { places, mallory } = site
  const der = makeCrl(ca, { entries: [{ serial: serialOf(mallory.der) }] }).der
  places.at.set('/second.crl', (request, response) => { (request.headers['if-none-match'] === '"s"' ? refusing(304) : saying(der, { etag: '"s"' }))(request, response) })
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  places.at.set('/first.crl', refusing(410))
  await app.endpoint.reload()
  t.equal(log.about('because another address failed').length, 2, 'another kind of failure is reported too')
  const asked = (path: string): Array<string | undefined> => places.asked.filter(({ url }) => url === path).map(({ headers }) => headers['if-none-match'])
  t.same([asked('/first.crl'), asked('/second.crl')], [[undefined, undefined], [undefined, '"s"']])
  t.ok(site.isRevoked(app, mallory))
})

t.test('an invalid version is ignored, and the CRL is loaded in full', async (t) => {
  const { places } = await makePointsSite(t, () => [], ca)
  places.put('/root.crl', ca)
  const point = new PointSource([places.url('/root.crl')], { folder: '/', limits: { fileBytes: 10_000, entries: 10 } }, () => undefined)
  t.match(await point.load(AbortSignal.timeout(PATIENCE), 'damaged'), { bytes: Buffer })
  point.close()
})
