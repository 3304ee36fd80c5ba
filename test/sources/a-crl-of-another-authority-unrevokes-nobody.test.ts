/**
 * An attacker on a plain http connection can replace a CRL with the signed CRL of another authority. The clients in
 * the replaced CRL stay revoked.
 */
import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeCrl, serialOf } from '../support/crl.js'
import { refusing, saying, startHttp } from '../support/http-source.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'

t.test('a revoked client stays revoked until its own authority releases it', async (t) => {
  const site = await makeSite(t)
  const other = await createAuthority({ name: 'Other CA' })
  await appendFile(site.path('ca.pem'), `\n${other.certificate}`)
  const revoking = makeCrl(site.ca, { number: 1, entries: [{ serial: serialOf(site.mallory.der) }] })
  const source = await startHttp(t, saying(revoking.der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const { app } = await startApp(t, site.endpoint())
  const status = (): string | undefined => app.endpoint.listeners[0]?.revocation?.status([site.mallory.x509]).status
  for (const number of [1, 2]) {
    source.answer = saying(makeCrl(other, { number }).der)
    t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_HELD', message: /no longer serves the CRLs of an issuer that it served before/ })
    t.equal(status(), 'revoked')
    t.match(app.endpoint.health(), { status: 'degraded' })
  }
  source.answer = refusing(500)
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FAILED' })
  t.equal(status(), 'revoked')
  source.answer = saying(makeCrl(site.ca, { number: 2 }).der)
  await app.endpoint.reload()
  t.equal(status(), 'good')
  t.match(app.endpoint.health(), { status: 'ready' })
})
