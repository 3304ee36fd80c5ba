import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => authority.issue({ name })))
if (alice === undefined || bob === undefined) throw new Error('they were issued')
const DELAY = 2000

function start (folder: string): Reloading {
  const reloading = new Reloading(folder)
  reloading.removalDelay = DELAY
  reloading.time = 0
  return reloading
}

for (const other of ['b/*.pem', 'b/**/*.pem', 'b/2.pem']) {
  t.test(`a file stays revoked if it moves into the folder of ${other} while that folder is missing`, async (t) => {
    const reloading = start(makeTestFolder(t, { 'revoked.txt': `a/*.pem\n${other}\n`, a: { '1.pem': alice.certificate }, b: { '2.pem': bob.certificate } }))
    t.same(await reloading.pass(0), [])
    renameSync(reloading.path('b'), reloading.path('b.new'))
    renameSync(reloading.path('a', '1.pem'), reloading.path('b.new', '2.pem'))
    for (const passed of [0, DELAY, DELAY]) t.same(await reloading.pass(passed), ['FST_ENDPOINT_LIST_MISSING'])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
    renameSync(reloading.path('b.new'), reloading.path('b'))
    t.same(await reloading.pass(0), [])
    t.same(reloading.revoked(alice), ['alice'])
    rmSync(reloading.path('b', '2.pem'))
    writeFileSync(reloading.list, 'a/*.pem\n')
    for (const passed of [0, DELAY, DELAY]) await reloading.pass(passed)
    t.same(reloading.revoked(alice, bob), [], 'a certificate that is in no file is un-revoked')
  })
}

t.test('a file stays revoked if a line names a link that dangles for a while', async (t) => {
  const reloading = start(makeTestFolder(t, { 'revoked.txt': 'a/*.pem\nb.pem\n', a: { '1.pem': alice.certificate }, data: { '2.pem': bob.certificate } }))
  symlinkSync('data/2.pem', reloading.path('b.pem'))
  t.same(await reloading.pass(0), [])
  renameSync(reloading.path('data'), reloading.path('data.new'))
  renameSync(reloading.path('a', '1.pem'), reloading.path('data.new', '2.pem'))
  for (const passed of [0, DELAY]) t.equal((await reloading.pass(passed))[0], 'FST_ENDPOINT_LIST_MISSING')
  t.same(reloading.revoked(alice), ['alice'])
})

for (const [what, act, code] of [
  ['is missing from its folder', () => {}, 'FST_ENDPOINT_LIST_MISSING'],
  ['is a folder', (path: string) => { mkdirSync(path) }, 'FST_ENDPOINT_FILE_NOT_REGULAR']
] as const) {
  t.test(`a file that a line names ${what}, and only its own entries stay revoked`, async (t) => {
    const reloading = start(makeTestFolder(t, { 'revoked.txt': 'a/*.pem\nb/2.pem\n', a: { '1.pem': alice.certificate }, b: { '2.pem': bob.certificate } }))
    t.same(await reloading.pass(0), [])
    rmSync(reloading.path('b', '2.pem'))
    act(reloading.path('b', '2.pem'))
    rmSync(reloading.path('a', '1.pem'))
    for (const passed of [0, DELAY]) t.ok((await reloading.pass(passed)).includes(code))
    t.same(reloading.revoked(alice, bob), ['bob'])
  })
}
