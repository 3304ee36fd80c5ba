/**
 * A distribution point delivers only CRLs of the authority that names it, or of the authority above. Its server cannot
 * inject CRLs of other authorities, and it cannot revoke by serving certificates.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeCrl, namesPoints, serialOf, uri, directoryName, subjectOf } from '../support/crl.js'
import { saying, type Respond } from '../support/http-source.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { at, freshest, makePointsSite } from '../support/points.js'
import { errorOf } from '../support/rejection.js'

const ca = await createAuthority({ name: 'Test CA' })
const stranger = await createAuthority({ name: 'Test CA' })
const tenant = await createAuthority({ name: 'Tenant' })
const beside = await createAuthority({ name: 'Beside', issuer: ca })

const cases: ReadonlyArray<readonly [string, Respond, string]> = [
  ['another anchor', saying(makeCrl(tenant, { number: 9 }).der), 'FST_ENDPOINT_SOURCE_FOREIGN'],
  ['another authority below the same anchor', saying(makeCrl(beside, { number: 9 }).der), 'FST_ENDPOINT_SOURCE_FOREIGN'],
  ['an authority that is not in authorities', saying(makeCrl(stranger, { number: 9 }).der), 'FST_ENDPOINT_CRL_UNSIGNED'],
  ['a certificate instead of a CRL', saying(ca.der), 'FST_ENDPOINT_SOURCE_INSECURE']
]

for (const [name, answer, code] of cases) {
  t.test(`a CRL of ${name} is ignored`, async (t) => {
    const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
    const { places, mallory } = site
    await appendFile(site.path('ca.pem'), tenant.certificate + beside.certificate)
    places.at.set('/root.crl', answer)
    t.match(await errorOf(() => startApp(t, site.endpoint())), { code, file: site.path('revoked.txt'), line: 2, message: new RegExp(`source ${places.url('/root.crl')}`) })
    places.put('/root.crl', ca, [mallory], { number: 2 })
    const { app } = await startApp(t, site.endpoint())
    places.at.set('/root.crl', answer)
    t.match(await errorOf(() => app.endpoint.reload()), { code })
    t.ok(site.isRevoked(app, mallory), 'the previous content stays')
    t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'revocations_failed', error: code }] })
    places.put('/root.crl', ca, [], { number: 3 })
    await app.endpoint.reload()
    t.notOk(site.isRevoked(app, mallory))
    t.equal(app.endpoint.health().status, 'ready')
  })
}

t.test('the other CRLs at the point count', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  await appendFile(site.path('ca.pem'), tenant.certificate)
  site.places.put('/root.crl', ca)
  const { app } = await startApp(t, site.endpoint())
  site.places.at.set('/root.crl', saying(makeCrl(ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }] }).pem + makeCrl(tenant).pem))
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FOREIGN', message: /serves a CRL of CN=Tenant, which is ignored/ })
  t.ok(site.isRevoked(app, site.mallory))
})

t.test('a certificate may name another authority as its CRL issuer, and a CRL may not', async (t) => {
  const crlIssuer = [directoryName(subjectOf(beside.der))]
  const site = await makePointsSite(t, (url) => [namesPoints({ names: [uri(url('/of-beside.crl'))], crlIssuer })], ca)
  const { places } = site
  await appendFile(site.path('ca.pem'), beside.certificate)
  places.put('/of-beside.crl', beside, [])
  const { app } = await startApp(t, site.endpoint())
  t.equal(app.endpoint.health().status, 'ready')
  places.put('/issuing.crl', site.issuing, [], { number: 2, extensions: [freshest({ names: [uri(places.url('/old.crl'))], crlIssuer })] })
  places.put('/old.crl', beside)
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FOREIGN', message: new RegExp(`${places.url('/old.crl')} is a distribution point of other authorities`) })
})

t.test('the points of an authority without a path to an anchor are not followed', async (t) => {
  const site = await makePointsSite(t, () => [], ca)
  const orphan = await createAuthority({ name: 'Orphan', issuer: stranger, extensions: [at(site.places.url('/orphan.crl'))] })
  await appendFile(site.path('ca.pem'), orphan.certificate)
  await startApp(t, site.endpoint())
  t.equal(site.places.count('/orphan.crl'), 0)
})

t.test('the points in a client certificate are never requested', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  const { places } = site
  places.put('/root.crl', ca)
  const eve = await ca.issue({ name: 'eve', usage: 'client', extensions: [at(places.url('/eve.crl'))] })
  await writeFile(site.path('eve.pem'), eve.certificate)
  const { app, port } = await startApp(t, site.endpoint())
  t.match(await get(port, asClient(site, eve)), { status: 200 })
  await app.endpoint.reload()
  t.same(new Set(places.asked.map(({ url }) => url)), new Set(['/root.crl', '/issuing.crl']))
})
