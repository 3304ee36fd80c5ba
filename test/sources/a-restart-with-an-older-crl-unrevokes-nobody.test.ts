/**
 * An attacker on a plain http connection can replay an older signed CRL. An app with a copy of a newer CRL uses the
 * newer one.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { makeCrl, serialOf } from '../support/crl.js'
import { saying, startHttp } from '../support/http-source.js'
import { makeSite, startApp } from '../support/mutual-tls.js'

t.test('a client that the copy revokes is rejected, however often an older CRL is replayed', async (t) => {
  const site = await makeSite(t)
  const older = makeCrl(site.ca, { number: 1 })
  const newer = makeCrl(site.ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }] })
  const newest = makeCrl(site.ca, { number: 3 })
  const source = await startHttp(t, saying(newer.der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  for (const [{ der }, status] of [[newer, 'revoked'], [older, 'revoked'], [older, 'revoked'], [newest, 'good'], [older, 'good']] as const) {
    source.answer = saying(der)
    const { app } = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir: join(site.folder, 'cache') } })
    const [listener] = app.endpoint.listeners
    t.match(listener?.revocation?.status([site.mallory.x509]), { status })
    await app.endpoint.reload()
    t.match(listener?.revocation?.status([site.mallory.x509]), { status }, 'nor at a reload')
    await app.close()
  }
})
