import { appendFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { POLL_INTERVAL } from '../../lib/watching/poller.js'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { eventAfter, startWatcher, stateAfter } from '../support/watching.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice', serial: '0a' })
const bob = await authority.issue({ name: 'bob', serial: '0b' })

async function start (t: Test): Promise<{ watcher: RevocationWatcher, list: string, certs: (name: string) => string }> {
  const folder = makeTestFolder(t, { 'revoked.txt': 'certs/*.pem\n', certs: { 'a.pem': alice.certificate } })
  const list = join(folder, 'revoked.txt')
  return { watcher: await startWatcher(t, { file: list, removalDelay: 0 }), list, certs: (name) => join(folder, 'certs', name) }
}

function isRevoked (watcher: RevocationWatcher, { der }: Issued): boolean {
  return watcher.set.find(identifyCertificate(der)) !== undefined
}

t.test('a touch of the list is seen', async (t) => {
  const { watcher, list } = await start(t)
  await eventAfter(watcher, 'swapped', () => utimesSync(list, new Date(), new Date()))
  t.equal(watcher.generation, 2)
})

t.test('an earlier modification time of the list is seen', async (t) => {
  const { watcher, list } = await start(t)
  await eventAfter(watcher, 'swapped', () => utimesSync(list, 1, 1))
  t.equal(watcher.generation, 2)
})

t.test('a write in place to the list is seen', async (t) => {
  const { watcher, list } = await start(t)
  await eventAfter(watcher, 'swapped', () => appendFileSync(list, `tbs:${identifyCertificate(bob.der).tbs}\n`))
  t.ok(isRevoked(watcher, bob))
  await eventAfter(watcher, 'swapped', () => writeFileSync(list, '# none\n'))
  t.equal(watcher.set.size, 0)
})

t.test('a replacement of the list by a rename is seen', async (t) => {
  const { watcher, list } = await start(t)
  for (const generation of [2, 3]) {
    writeFileSync(`${list}.new`, generation === 2 ? '# none\n' : 'certs/*.pem\n')
    await eventAfter(watcher, 'swapped', () => renameSync(`${list}.new`, list))
    t.equal(watcher.set.size, generation - 2)
  }
})

t.test('a list that is deleted and rewritten at once is seen', async (t) => {
  const { watcher, list } = await start(t)
  await eventAfter(watcher, 'swapped', () => {
    rmSync(list)
    writeFileSync(list, `tbs:${identifyCertificate(bob.der).tbs}\n`)
  })
  t.ok(isRevoked(watcher, bob))
  t.notOk(isRevoked(watcher, alice))
})

t.test('new content of the same size is seen, even if the modification time is reset', async (t) => {
  const { watcher, certs } = await start(t)
  const path = certs('a.pem')
  const { atime, mtime, size } = statSync(path)
  // One certificate is as long as another but for the zeros of its signature: keep to the size.
  let other = await authority.issue({ name: 'carol', serial: '0c' })
  while (other.certificate.length !== size) other = await authority.issue({ name: 'carol', serial: '0c' })
  await eventAfter(watcher, 'swapped', () => {
    writeFileSync(path, other.certificate)
    utimesSync(path, atime, mtime)
  })
  t.ok(isRevoked(watcher, other))
})

t.test('a file is seen when it is created, written in place, replaced and removed', async (t) => {
  const { watcher, certs } = await start(t)
  await eventAfter(watcher, 'swapped', () => writeFileSync(certs('b.pem'), bob.certificate))
  t.ok(isRevoked(watcher, bob))
  await eventAfter(watcher, 'swapped', () => writeFileSync(certs('b.pem'), alice.certificate))
  t.notOk(isRevoked(watcher, bob))
  writeFileSync(certs('new'), bob.certificate)
  await eventAfter(watcher, 'swapped', () => renameSync(certs('new'), certs('b.pem')))
  t.ok(isRevoked(watcher, bob))
  await eventAfter(watcher, 'swapped', () => rmSync(certs('b.pem')))
  t.notOk(isRevoked(watcher, bob))
  t.ok(isRevoked(watcher, alice))
  t.equal(watcher.generation, 5)
})

t.test('a file that is deleted and rewritten is seen', async (t) => {
  const { watcher, certs } = await start(t)
  await stateAfter(watcher, 'swapped', () => {
    rmSync(certs('a.pem'))
    writeFileSync(certs('a.pem'), bob.certificate)
  }, () => isRevoked(watcher, bob))
  t.notOk(isRevoked(watcher, alice))
})

t.test('three writes of an editor in a row are seen', async (t) => {
  const { watcher, list } = await start(t)
  const bobs = `tbs:${identifyCertificate(bob.der).tbs}\n`
  await stateAfter(watcher, 'swapped', () => {
    writeFileSync(list, '#')
    writeFileSync(list, bobs)
    setImmediate(() => writeFileSync(list, `${bobs}certs/*.pem\n`))
  }, () => isRevoked(watcher, bob) && isRevoked(watcher, alice))
  t.same(watcher.problems, [])
})

t.test('a renamed file stays revoked, and its new path is reported', async (t) => {
  const { watcher, certs } = await start(t)
  await eventAfter(watcher, 'swapped', () => renameSync(certs('a.pem'), certs('z.pem')))
  t.equal(watcher.set.find(identifyCertificate(alice.der))?.source.file, certs('z.pem'))
})

t.test('the second file with a certificate is reported when the first is removed', async (t) => {
  const { watcher, certs } = await start(t)
  await eventAfter(watcher, 'swapped', () => writeFileSync(certs('b.pem'), alice.certificate))
  await eventAfter(watcher, 'swapped', () => rmSync(certs('a.pem')))
  t.equal(watcher.set.find(identifyCertificate(alice.der))?.source.file, certs('b.pem'))
})

t.test('a file that changes all the time does not delay the others', async (t) => {
  const { watcher, certs } = await start(t)
  writeFileSync(certs('b.pem'), bob.certificate)
  // The folder never looks the same twice.
  let isOver = false
  function write (): void {
    writeFileSync(certs('log'), '')
    rmSync(certs('log'))
    if (!isOver) setImmediate(write)
  }
  await stateAfter(watcher, 'swapped', write, () => isRevoked(watcher, bob))
  isOver = true
})

t.test('a change is seen after a quiet period', async (t) => {
  const folder = makeTestFolder(t, { here: {}, there: { 'revoked.txt': '' } })
  // A change behind this link causes no event.
  symlinkSync(join('..', 'there', 'revoked.txt'), join(folder, 'here', 'revoked.txt'))
  const watcher = await startWatcher(t, { file: join(folder, 'here', 'revoked.txt') })
  // That nothing happens is what this is about, so there is no event to wait for.
  await delay(5 * POLL_INTERVAL)
  t.equal(watcher.generation, 1)
  await eventAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'there', 'revoked.txt'), '# none'))
})
