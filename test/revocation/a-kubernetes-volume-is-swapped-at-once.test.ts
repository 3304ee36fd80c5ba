import { mkdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { volumeOf, volumeOfSync } from '../../lib/revocation/files/volume.js'
import { mount } from '../support/kubernetes.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher, stateAfter } from '../support/watching.js'

const authority = await createAuthority()
const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map((name) => authority.issue({ name })))
if (alice === undefined || bob === undefined || carol === undefined) throw new Error('they were issued')
const line = ({ der }: typeof alice): string => `tbs:${identifyCertificate(der).tbs}\n`

/** Swaps a volume, and takes away the links to what is not in it any more, as the kubelet does. */
async function swap (folder: string, version: string, files: Record<string, string>, ...gone: string[]): Promise<void> {
  await mount(folder, version, files)
  for (const name of gone) unlinkSync(join(folder, name))
}

async function start (t: Test, files: Record<string, string>): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, {}))
  // Nothing else is released while the test runs.
  reloading.removalDelay = 1_000_000
  await mount(reloading.folder, 'v1', files)
  t.same(await reloading.pass(0), [])
  return reloading
}

t.test('a swap removes a line, a certificate and a file, each in one scan', async (t) => {
  const reloading = await start(t, { 'revoked.txt': `*.pem\n${line(alice)}`, 'a.pem': bob.certificate + carol.certificate })
  await swap(reloading.folder, 'v2', { 'revoked.txt': '*.pem\n', 'a.pem': bob.certificate + carol.certificate })
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob, carol), ['bob', 'carol'])
  await swap(reloading.folder, 'v3', { 'revoked.txt': '*.pem\n', 'a.pem': carol.certificate, 'b.pem': carol.certificate })
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob, carol), ['carol'])
  await swap(reloading.folder, 'v4', { 'revoked.txt': '*.pem\n', 'b.pem': bob.certificate }, 'a.pem')
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob, carol), ['bob'])
  t.equal(reloading.loaded?.again, undefined)
})

t.test('a swap removes a certificate at once even if other lines of the list change', async (t) => {
  const reloading = await start(t, { 'revoked.txt': 'a*.pem\n', 'a.pem': alice.certificate, 'a2.pem': bob.certificate })
  await swap(reloading.folder, 'v2', { 'revoked.txt': 'a*.pem\nc*.pem\n', 'a.pem': alice.certificate, 'c.pem': carol.certificate }, 'a2.pem')
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'carol'])
})

t.test('a swap removes a certificate whose link is deleted later than its file', async (t) => {
  const reloading = await start(t, { 'revoked.txt': '*.pem\n', 'a.pem': alice.certificate, 'b.pem': bob.certificate })
  await mount(reloading.folder, 'v2', { 'revoked.txt': '*.pem\n', 'b.pem': bob.certificate })
  t.same(await reloading.pass(0), ['FST_ENDPOINT_FILE_UNREADABLE'], 'a link that leads nowhere')
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  unlinkSync(reloading.path('a.pem'))
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
})

t.test('a volume that is swapped while it is read is read again', async (t) => {
  const reloading = await start(t, { 'revoked.txt': '*.pem\n', 'a.pem': alice.certificate, 'b.pem': bob.certificate })
  for (let version = 2; version < 40; version++) {
    const scan = reloading.scan()
    for (let turns = 0; turns < version; turns++) await new Promise(setImmediate)
    const [a, b] = version % 2 === 0 ? [bob, alice] : [alice, bob]
    await mount(reloading.folder, `v${version}`, { 'revoked.txt': version % 3 === 0 ? '*.pem\n' : 'a.pem\nb.pem\n', 'a.pem': a.certificate, 'b.pem': b.certificate })
    await scan
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  }
})

t.test('a file outside the swapped link waits like any other removed file', async (t) => {
  const reloading = await start(t, { 'revoked.txt': '*.pem\n', 'a.pem': alice.certificate })
  writeFileSync(reloading.path('own.pem'), bob.certificate)
  await reloading.pass(0)
  rmSync(reloading.path('own.pem'))
  await reloading.pass(0)
  t.same(reloading.revoked(bob), ['bob'])
})

t.test('a line of a list outside the swapped link waits like any other removed line', async (t) => {
  const reloading = await start(t, { 'revoked.txt': '*.pem\n', 'a.pem': alice.certificate })
  unlinkSync(reloading.list)
  writeFileSync(reloading.list, `*.pem\n${line(bob)}`)
  await reloading.pass(0)
  writeFileSync(reloading.list, '*.pem\n')
  await swap(reloading.folder, 'v2', { 'a.pem': alice.certificate })
  await reloading.pass(0)
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
})

t.test('a certificate removed from a file outside the volume waits, even if another line names the file after the swap', async (t) => {
  const reloading = await start(t, { 'revoked.txt': 'd*/*.pem\n' })
  mkdirSync(reloading.path('d'))
  writeFileSync(reloading.path('d', 'a.pem'), alice.certificate + bob.certificate)
  await reloading.pass(0)
  writeFileSync(reloading.path('d', 'a.pem'), alice.certificate)
  await swap(reloading.folder, 'v2', { 'revoked.txt': 'd/a.pem\n' })
  await reloading.pass(0)
  t.equal(reloading.loaded?.again, 1, 'once the new line could be followed')
  await reloading.pass(0)
  t.same(reloading.loaded?.list.entries.map(({ value }) => value), ['d/a.pem'])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
})

t.test('a swap replaces files in folders of the volume', async (t) => {
  const folder = makeTestFolder(t, { v1: { d: { 'a.pem': alice.certificate } }, v2: { d: { 'a.pem': bob.certificate } }, 'revoked.txt': 'volume/*/a.pem\nvolume/d/a.pem\n', volume: {} })
  symlinkSync('../v1', join(folder, 'volume', '..data'))
  symlinkSync('..data/d', join(folder, 'volume', 'd'))
  const reloading = new Reloading(folder)
  reloading.removalDelay = 1_000_000
  t.same(await reloading.pass(0), [])
  unlinkSync(join(folder, 'volume', '..data'))
  symlinkSync('../v2', join(folder, 'volume', '..data'))
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
  for (const of of [volumeOf, volumeOfSync]) {
    t.same(await of(join(folder, 'volume', 'd')), { folder: join(folder, 'volume'), target: readlinkSync(join(folder, 'volume', '..data')) })
    t.equal(await of('/'), undefined)
  }
})

t.test('a watcher puts a swap in force at once', async (t) => {
  const folder = makeTestFolder(t, { volume: {} })
  const volume = join(folder, 'volume')
  await mount(volume, 'v1', { 'revoked.txt': `*.pem\n${line(carol)}`, 'a.pem': alice.certificate + bob.certificate })
  const watcher = await startWatcher(t, { file: join(volume, 'revoked.txt'), removalDelay: 1_000_000 })
  await stateAfter(watcher, 'swapped', () => mount(volume, 'v2', { 'revoked.txt': '*.pem\n', 'a.pem': bob.certificate }), () => watcher.set.size === 1)
  t.ok(watcher.set.find(identifyCertificate(bob.der)))
})
