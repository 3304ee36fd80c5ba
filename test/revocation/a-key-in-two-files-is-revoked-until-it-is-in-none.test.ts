import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const DELAY = 2000
const PATTERNS = 'b/*.pem\n*/x.pem\n'

/** A set that still holds what was in the folder sub, which is now a dangling link. */
async function startHolding (t: Test, list: string): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, away: { 'x.pem': alice.certificate }, b: { 'y.pem': alice.certificate }, c: {} }))
  renameSync(reloading.path('away'), reloading.path('.volume'))
  symlinkSync('.volume', reloading.path('sub'))
  reloading.removalDelay = DELAY
  reloading.time = 0
  t.same(await reloading.pass(0), [])
  renameSync(reloading.path('.volume'), reloading.path('.gone'))
  for (const passed of [0, DELAY]) await reloading.pass(passed)
  t.equal(reloading.loaded?.contents.hasRemnants, true)
  t.equal(reloading.loaded?.again, undefined)
  return reloading
}

/** Lets the reload see that the certificate is in no other file. */
async function endHolding (t: Test, reloading: Reloading): Promise<void> {
  t.same(reloading.revoked(alice), ['alice'])
  t.match(reloading.loaded?.set.find(identifyCertificate(alice.der))?.source, { file: reloading.path('sub', 'x.pem') })
  rmSync(reloading.path('sub'))
  for (const passed of [0, DELAY]) await reloading.pass(passed)
  t.same(reloading.revoked(alice), [])
  t.equal(reloading.loaded?.set.size, 0)
}

t.test('a key stays revoked when a copy is removed', async (t) => {
  const reloading = await startHolding(t, PATTERNS)
  rmSync(reloading.path('b', 'y.pem'))
  for (const passed of [0, DELAY]) await reloading.pass(passed)
  await endHolding(t, reloading)
})

t.test('a key stays revoked when the line of a copy is removed', async (t) => {
  const reloading = await startHolding(t, PATTERNS)
  writeFileSync(reloading.list, '*/x.pem\n')
  for (const passed of [0, DELAY]) await reloading.pass(passed)
  await endHolding(t, reloading)
})

t.test('a key stays revoked when a line that names it directly is removed', async (t) => {
  const reloading = await startHolding(t, `*/x.pem\ntbs:${identifyCertificate(alice.der).tbs}\n`)
  writeFileSync(reloading.list, '*/x.pem\n')
  for (const passed of [0, DELAY]) await reloading.pass(passed)
  await endHolding(t, reloading)
})
