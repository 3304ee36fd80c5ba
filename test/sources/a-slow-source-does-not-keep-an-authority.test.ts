/** The connections of a removed authority are closed at once, even while a source of revocations does not answer. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { saying, startHttp, type HttpServer } from '../support/http-source.js'
import { asClient, connectTls, get, makeSite, type RunningApp, type Site, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { until } from '../support/until.js'

/** In milliseconds; a start may wait for three quarters of it. */
const PLUGIN_TIMEOUT = 60_000

/** An app with two authorities; the HTTP CRL of one of them revokes mallory. */
async function start (t: Test): Promise<RunningApp & { site: Site, source: HttpServer, guest: Issued }> {
  const site = await makeSite(t)
  const other = await createAuthority({ name: 'Other CA' })
  const guest = await other.issue({ name: 'guest', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  const source = await startHttp(t, saying(makeCrl(site.ca, { number: 1, entries: [{ serial: serialOf(site.mallory.der) }] }).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  return { ...await startApp(t, site.endpoint(), undefined, { pluginTimeout: PLUGIN_TIMEOUT }), site, source, guest }
}

t.test('removing an authority closes its connections while a source does not answer', async (t) => {
  const { app, port, site, source, guest } = await start(t)
  const held = await connectTls(port, asClient(site, guest))
  const isCut = once(held.on('error', () => {}).resume(), 'close')
  source.answer = () => {}
  const began = performance.now()
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await isCut
  t.ok(performance.now() - began < PLUGIN_TIMEOUT / 4, 'nothing has waited for the source')
  t.equal(await alertSeenByNode({ port }, asClient(site, guest)), 'unknown_ca')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked', 'its known content is in force')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  await until('the source is asked twice', () => source.asked.length >= 2)
  source.answer = saying(makeCrl(site.ca, { number: 2, entries: [{ serial: serialOf(site.alice.der) }] }).der)
  await source.stop()
  await startHttp(t, source.answer, source.port)
  await until('alice is revoked', () => app.endpoint.listeners[0]?.revocation?.status([site.alice.x509]).status === 'revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked', 'and it is followed')
})

t.test('removing an authority closes its connections while the list changes too', async (t) => {
  const { app, port, site, source, guest } = await start(t)
  source.answer = () => {}
  const held = await connectTls(port, asClient(site, guest))
  const isCut = once(held.on('error', () => {}).resume(), 'close')
  const began = performance.now()
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await site.revoke(`tbs:${identifyCertificate(site.alice.der).tbs}`)
  await isCut
  t.ok(performance.now() - began < PLUGIN_TIMEOUT / 4)
  const isRevoked = (leaf: Issued): boolean => app.endpoint.listeners[0]?.revocation?.status([leaf.x509]).status === 'revoked'
  await until('alice is revoked', () => isRevoked(site.alice))
  t.ok(isRevoked(site.mallory))
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked')
})
