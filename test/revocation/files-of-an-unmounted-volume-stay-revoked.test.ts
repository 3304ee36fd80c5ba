import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

/** A file system of its own wherever Linux runs, as a volume is. */
const OTHER_DEVICE = '/dev/shm'
const DELAY = 2000

const authority = await createAuthority()
const [alice, bob, carol] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' }), authority.issue({ name: 'carol' })])

function isOnOther (t: Test): boolean {
  try {
    return statSync(OTHER_DEVICE).dev !== statSync(t.testdirName.replace(/\/[^/]*$/, '')).dev
  } catch {
    return false
  }
}

/** A folder of another device. A link to it is what a mount point is: the same path leads to another device when it is gone. */
function volume (t: Test, files: Record<string, string>): string {
  const folder = mkdtempSync(join(OTHER_DEVICE, 'fastify-endpoint-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

async function start (t: Test, list: string, mounted: string): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, certs: { 'carol.pem': carol.certificate }, empty: {}, data: {} }))
  symlinkSync(mounted, reloading.path('data', 'volume'))
  reloading.removalDelay = DELAY
  reloading.time = 0
  t.same(await reloading.pass(0), [])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  return reloading
}

makeTestFolder(t, {})
if (!isOnOther(t)) {
  t.pass('this machine has no other file system that anybody may write to', { skip: true })
} else {
  for (const pattern of ['data/volume/*.pem', 'data/*/*.pem']) {
    t.test(`certificates of an unmounted volume stay revoked until it is mounted again: ${pattern}`, async (t) => {
      const files = { 'alice.pem': alice.certificate, 'bob.pem': bob.certificate }
      const reloading = await start(t, `${pattern}\ncerts/*.pem\n`, volume(t, files))
      const point = reloading.path('data', 'volume')
      unlinkSync(point)
      mkdirSync(point)
      await reloading.pass(0)
      for (let round = 0; round < 3; round++) {
        t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_FILE_UNREADABLE'], 'reported once for the folder')
        t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
      }
      t.match(reloading.loaded?.problems, [{ message: /"[^"]*alice\.pem" cannot be read: its folder is on another device than before, .* a restart would forget what it revoked/ }])
      t.same(await reloading.scan(true), ['FST_ENDPOINT_FILE_UNREADABLE'], 'also if a reload is requested')
      t.same(reloading.revoked(alice, bob), ['alice', 'bob'])

      rmSync(point, { recursive: true })
      symlinkSync(volume(t, { 'alice.pem': alice.certificate }), point)
      t.same(await reloading.pass(0), [])
      t.same(await reloading.pass(DELAY), [])
      t.same(reloading.revoked(alice, bob), ['alice'], 'a file that is missing after the volume is mounted again was removed')
    })

    t.test(`certificates of an unmounted volume are no longer revoked when their line is removed: ${pattern}`, async (t) => {
      const reloading = await start(t, `${pattern}\ncerts/*.pem\n`, volume(t, { 'all.pem': alice.certificate + bob.certificate }))
      const point = reloading.path('data', 'volume')
      unlinkSync(point)
      mkdirSync(point)
      await reloading.pass(DELAY)
      await reloading.pass(DELAY)
      writeFileSync(reloading.list, 'certs/*.pem\n')
      await reloading.scan()
      await reloading.pass(DELAY)
      t.same(await reloading.pass(DELAY), [])
      t.same(reloading.revoked(alice, bob, carol), ['carol'])
    })
  }

  t.test('certificates stay revoked if their folder on another device is missing itself', async (t) => {
    const reloading = await start(t, 'data/*/*.pem\ncerts/*.pem\n', volume(t, { 'all.pem': alice.certificate + bob.certificate }))
    writeFileSync(reloading.path('data', 'other.pem'), '')
    unlinkSync(reloading.path('data', 'volume'))
    await reloading.pass(0)
    for (let round = 0; round < 3; round++) t.same(await reloading.pass(DELAY), ['FST_ENDPOINT_FILE_UNREADABLE'])
    t.match(reloading.loaded?.problems, [{ message: /its folder is gone, and was on another device than ".*data"\. Mount its volume/ }])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  })

  t.test('certificates removed from a mounted volume are no longer revoked, even if the last file is removed', async (t) => {
    const mounted = volume(t, { 'alice.pem': alice.certificate, 'bob.pem': bob.certificate })
    const reloading = await start(t, 'data/*/*.pem\n', mounted)
    for (const name of ['alice.pem', 'bob.pem']) rmSync(join(mounted, name))
    await reloading.pass(0)
    t.same(await reloading.pass(DELAY), [])
    t.same(reloading.revoked(alice, bob), [])
  })
}
