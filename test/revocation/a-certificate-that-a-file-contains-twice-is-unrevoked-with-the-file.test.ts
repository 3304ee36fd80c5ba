import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })

t.test('a certificate stays revoked until the last file that holds it is removed', async (t) => {
  const twice = `${alice.certificate}${alice.certificate}`
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem\n', 'a.pem': twice, 'b.pem': alice.certificate, 'c.pem': twice }))
  const file = (): string | undefined => reloading.loaded?.set.find(identifyCertificate(alice.der))?.source.file
  t.same(await reloading.load(), [])
  t.equal(reloading.loaded?.set.size, 1)
  t.equal(file(), reloading.path('a.pem'), 'the first of the files that contain it')
  rmSync(reloading.path('a.pem'))
  await reloading.load()
  t.equal(file(), reloading.path('b.pem'))
  writeFileSync(reloading.path('a.pem'), alice.certificate)
  rmSync(reloading.path('b.pem'))
  await reloading.load()
  t.equal(file(), reloading.path('a.pem'))
  for (const name of ['a.pem', 'c.pem']) {
    t.same(reloading.revoked(alice), ['alice'])
    rmSync(reloading.path(name))
    await reloading.load()
  }
  t.same(reloading.revoked(alice), [])
  t.equal(reloading.loaded?.set.size, 0)
})
