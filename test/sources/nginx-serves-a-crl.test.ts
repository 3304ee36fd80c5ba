/** Debian's nginx serves a CRL: with validators, gzip, redirects and errors, and slowly. */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { startNginxSite } from '../support/nginx-site.js'
import { hasNginx } from '../support/proxies.js'
import { errorOf } from '../support/rejection.js'
import { until } from '../support/until.js'

for (const [what, directives, encoding] of [
  ['as it is', '', ''],
  ['with gzip', 'gzip on; gzip_min_length 1; gzip_types application/pkix-crl;', ' gzip']
] as const) {
  t.test(`${what}: an unchanged CRL is not sent again, and a changed CRL is in force`, async (t) => {
    if (!hasNginx(t)) return
    const site = await makeSite(t)
    const nginx = await startNginxSite(t, { directives })
    await nginx.put('all.crl', makeCrl(site.ca, { number: 1, entries: [{ serial: serialOf(site.mallory.der) }] }).der)
    await writeFile(site.path('revoked.txt'), `${nginx.url('/all.crl')}\n`)
    const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir: site.path('cache') } })
    t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
    await app.endpoint.reload()
    t.same((await nginx.untilAnswered(2)), [`/all.crl 200${encoding}`, '/all.crl 304'])
    await nginx.put('all.crl', makeCrl(site.ca, { number: 2, entries: [{ serial: serialOf(site.alice.der) }] }).der)
    await app.endpoint.reload()
    t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked')
    t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
    await app.close()
    const again = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir: site.path('cache') } })
    t.equal(await alertSeenByNode({ port: again.port }, asClient(site, site.alice)), 'certificate_revoked')
    t.same((await nginx.untilAnswered(4)).slice(2), [`/all.crl 200${encoding}`, '/all.crl 304'], 'the copy has its validators')
  })
}

t.test('at most three redirects are followed', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const directives = [1, 2, 3, 4].map((left) => `location = /${left} { return 30${left === 1 ? 1 : 2} /${left === 1 ? 'all.crl' : left - 1}; }`).join('\n')
  const nginx = await startNginxSite(t, { directives })
  await nginx.put('all.crl', makeCrl(site.ca, { entries: [{ serial: serialOf(site.mallory.der) }] }).der)
  await writeFile(site.path('revoked.txt'), `${nginx.url('/3')}\n`)
  const { port } = await startApp(t, site.endpoint())
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.same((await nginx.untilAnswered(4)), ['/3 302', '/2 302', '/1 301', '/all.crl 200'])
  await writeFile(site.path('revoked.txt'), `${nginx.url('/4')}\n`)
  t.match(await errorOf(() => startApp(t, site.endpoint())), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /it redirects more than 3 times$/ })
})

t.test('the errors of nginx are errors of the line, and let no revoked client in', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const nginx = await startNginxSite(t, { directives: 'location = /broken.crl { return 500; }' })
  for (const [path, status] of [['/missing.crl', 404], ['/broken.crl', 500]] as const) {
    await writeFile(site.path('revoked.txt'), `${nginx.url(path)}\n`)
    t.match(await errorOf(() => startApp(t, site.endpoint())), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: new RegExp(`: it answers ${status}$`), line: 1 })
  }
})

t.test('a slow response delays nothing else', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const nginx = await startNginxSite(t, { directives: 'limit_rate 16k;' })
  await nginx.put('all.crl', makeCrl(site.ca, { number: 1 }).der)
  await writeFile(site.path('revoked.txt'), `${nginx.url('/all.crl')}\n`)
  const { app, port } = await startApp(t, site.endpoint())
  const entries = Array.from({ length: 3000 }, (_, index) => ({ serial: (0x1000000 + index).toString(16) }))
  await nginx.put('all.crl', makeCrl(site.ca, { number: 2, entries: [...entries, { serial: serialOf(site.mallory.der) }] }).der)
  const reload = { isOver: false }
  const reloading = app.endpoint.reload().finally(() => { reload.isOver = true })
  await site.revoke(`tbs:${identifyCertificate(site.alice.der).tbs}`)
  await until('alice is revoked', () => app.endpoint.listeners[0]?.revocation?.status([site.alice.x509]).status === 'revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked')
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  t.notOk(reload.isOver, 'it is still under way')
  await reloading
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})
