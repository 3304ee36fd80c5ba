import { renameSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })

t.test('a certificate is no longer revoked when its file is removed from a readable folder', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate, 'b.pem': bob.certificate }))
  await reloading.load()
  rmSync(reloading.path('a.pem'))
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
  rmSync(reloading.path('b.pem'))
  t.same(await reloading.scan(), [])
  t.match(reloading.loaded?.notices, [/^revocation list .* line 1 matches no file any more$/], 'which is logged')
})

t.test('a certificate stays revoked when its file moves to where another pattern matches it', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem\nold/*.pem', old: {}, 'a.pem': alice.certificate }))
  await reloading.load()
  renameSync(reloading.path('a.pem'), reloading.path('old', 'a.pem'))
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice), ['alice'])
})

t.test('a certificate is no longer revoked when its line is removed from the list', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': 'a.pem\nb.pem', 'a.pem': alice.certificate, 'b.pem': bob.certificate }))
  await reloading.load()
  writeFileSync(reloading.list, 'b.pem')
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
})
