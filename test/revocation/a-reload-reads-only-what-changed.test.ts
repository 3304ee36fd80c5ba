import { writeFileSync } from 'node:fs'
import t from 'tap'
import { hasRacy, isRacy, look, observe, type Observation } from '../../lib/watching/observation.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })

/** Loads until no file changed so recently that it must be read again. */
async function loadAtRest (reloading: Reloading): Promise<void> {
  await until('no file has changed recently', async () => {
    await reloading.load()
    return reloading.loaded !== undefined && !hasRacy(reloading.loaded.observed)
  })
}

t.test('a reload keeps what it read of an unchanged file', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate, 'b.pem': alice.certificate }))
  await loadAtRest(reloading)
  const before = reloading.loaded?.contents.files
  writeFileSync(reloading.path('b.pem'), bob.certificate)
  await reloading.load()
  const after = reloading.loaded?.contents.files
  t.equal(after?.get(reloading.path('a.pem')), before?.get(reloading.path('a.pem')))
  t.not(after?.get(reloading.path('b.pem')), before?.get(reloading.path('b.pem')))
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
})

t.test('a file that was changed just before it was read is read again', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.pem', 'a.pem': alice.certificate }))
  const path = reloading.path('a.pem')
  // On a machine that is slow just now, the change may be old when it is seen.
  let isReadAgain = false
  for (let tries = 0; tries < 100 && !isReadAgain; tries++) {
    writeFileSync(path, alice.certificate)
    await reloading.load()
    const before = reloading.loaded?.contents.files.get(path)
    await reloading.load()
    isReadAgain = reloading.loaded?.contents.files.get(path) !== before
  }
  t.ok(isReadAgain)
})

t.test('a recent change is racy for a moment', async (t) => {
  const path = new Reloading(makeTestFolder(t, { 'revoked.txt': '' })).list
  const seen = await look(path)
  if (!('signature' in seen)) throw new Error('it is there')
  const now = Date.now()
  // A slow machine may need 50 ms from one line to the next.
  t.intercept(Date, 'now', { value: () => now })
  const milliseconds = BigInt(now)
  t.ok(isRacy({ ...seen.signature, ctimeNs: milliseconds * 1_000_000n }))
  t.ok(isRacy({ ...seen.signature, ctimeNs: (milliseconds + 20n) * 1_000_000n }), 'by a clock that is a little ahead')
  t.notOk(isRacy({ ...seen.signature, ctimeNs: (milliseconds - 60n) * 1_000_000n }))
  t.notOk(isRacy({ ...seen.signature, ctimeNs: (milliseconds + 60_000n) * 1_000_000n }))
})

t.test('the first of several observations of a path is kept, since content was read after it', async (t) => {
  const { list } = new Reloading(makeTestFolder(t, { 'revoked.txt': '' }))
  const observed = new Map<string, Observation>()
  const first = await observe(list, observed)
  writeFileSync(list, 'more')
  t.not(await observe(list, observed), first)
  t.equal(observed.get(list), first)
})
