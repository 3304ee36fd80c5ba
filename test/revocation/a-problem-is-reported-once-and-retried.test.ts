import { appendFileSync, chmodSync, closeSync, openSync, renameSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { eventAfter, startWatcher, stateAfter } from '../support/watching.js'
import { withoutRights } from '../support/without-rights.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })

interface Started {
  watcher: RevocationWatcher
  folder: string
  list: string
  logged: string[]
}

async function start (t: Test): Promise<Started> {
  const folder = makeTestFolder(t, { 'revoked.txt': 'certs/*.pem\n', certs: { 'a.pem': alice.certificate } })
  const logged: string[] = []
  const log = {
    info: (_details: object, message: string) => { logged.push(`info ${message}`) },
    warn: (_details: object, message: string) => { logged.push(`warn ${message}`) },
    error: ({ err }: { err?: Error }, message: string) => { logged.push(`error ${message}: ${err?.message}`) }
  }
  const list = join(folder, 'revoked.txt')
  return { watcher: await startWatcher(t, { file: list, log, removalDelay: 0 }), folder, list, logged }
}

function isAliceRevoked ({ set }: RevocationWatcher): boolean {
  return set.find(identifyCertificate(alice.der)) !== undefined
}

t.test('a list that vanishes is reported and retried until it is back', async (t) => {
  const { watcher, list, logged } = await start(t)
  const [problems] = await eventAfter(watcher, 'failed', () => rmSync(list))
  t.match(problems, [{ code: 'FST_ENDPOINT_FILE_UNREADABLE', file: list }])
  t.equal(watcher.problems, problems)
  t.ok(isAliceRevoked(watcher))
  t.match(logged, [/^error revocations cannot be loaded: the previous content stays in force: revocation list .* cannot be read: there is no such file$/])
  await eventAfter(watcher, 'recovered', () => writeFileSync(list, '# none\n'))
  t.same(watcher.problems, [])
  t.notOk(isAliceRevoked(watcher))
  t.equal(logged.at(-1), 'info revocations loaded without problems again')
})

t.test('a folder that is missing for a while is reported and retried', async (t) => {
  const { watcher, folder } = await start(t)
  await eventAfter(watcher, 'failed', () => renameSync(join(folder, 'certs'), join(folder, 'away')))
  t.ok(isAliceRevoked(watcher))
  t.equal(watcher.generation, 1)
  await eventAfter(watcher, 'recovered', () => renameSync(join(folder, 'away'), join(folder, 'certs')))
  t.ok(isAliceRevoked(watcher))
  t.equal(watcher.generation, 1, 'nothing was put in force')
})

t.test('good changes take effect despite a problem', async (t) => {
  const { watcher, folder } = await start(t)
  await eventAfter(watcher, 'failed', () => writeFileSync(join(folder, 'certs', 'a.pem'), 'garbage'))
  await eventAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'certs', 'b.pem'), bob.certificate))
  t.equal(watcher.set.size, 2)
  t.match(watcher.problems, [{ code: 'FST_ENDPOINT_FILE_INVALID' }])
})

t.test('a problem is logged once, however often it occurs', async (t) => {
  const { watcher, folder, list, logged } = await start(t)
  await eventAfter(watcher, 'failed', () => writeFileSync(join(folder, 'certs', 'a.pem'), 'garbage'))
  for (let times = 0; times < 3; times++) {
    await t.rejects(watcher.reload(), { code: 'FST_ENDPOINT_FILE_INVALID' })
    await eventAfter(watcher, 'swapped', () => utimesSync(list, times, times))
  }
  t.equal(logged.length, 1)
  const [problems] = await eventAfter(watcher, 'failed', () => appendFileSync(list, '[\n'))
  t.equal(problems.length, 2, 'a second problem is reported with the first')
  t.equal(logged.length, 2)
})

t.test('a transient error is resolved without another change', async (t) => {
  const { watcher, folder } = await start(t)
  if (process.getuid?.() !== 0) {
    t.pass('only root can lose a right without a change on the disk')
    return
  }
  chmodSync(join(folder, 'certs'), 0o700)
  await watcher.reload()
  await withoutRights(async () => {
    await eventAfter(watcher, 'failed', () => watcher.reload().catch(() => {}))
    t.match(watcher.problems[0], { code: 'FST_ENDPOINT_LIST_UNREADABLE' })
    t.ok(isAliceRevoked(watcher))
  })
  await eventAfter(watcher, 'recovered', () => {})
  t.same(watcher.problems, [])
})

t.test('a file that is written slowly is not a problem before it is stable', async (t) => {
  const { watcher, folder, logged } = await start(t)
  const half = bob.certificate.length / 2
  await stateAfter(watcher, 'swapped', () => {
    const descriptor = openSync(join(folder, 'certs', 'b.pem'), 'w')
    writeSync(descriptor, bob.certificate.slice(0, half))
    setImmediate(() => {
      writeSync(descriptor, bob.certificate.slice(half))
      closeSync(descriptor)
    })
  }, () => watcher.set.size === 2)
  t.same(logged, [])
})

t.test('a half-written file is a problem until the rest is written', async (t) => {
  const { watcher, folder } = await start(t)
  const path = join(folder, 'certs', 'b.pem')
  const half = bob.certificate.length / 2
  await eventAfter(watcher, 'failed', () => writeFileSync(path, bob.certificate.slice(0, half)))
  t.equal(watcher.set.size, 1)
  await eventAfter(watcher, 'recovered', () => appendFileSync(path, bob.certificate.slice(half)))
  t.equal(watcher.set.size, 2)
})

t.test('a pattern that matches nothing is logged once', async (t) => {
  const { watcher, folder, list, logged } = await start(t)
  await eventAfter(watcher, 'swapped', () => rmSync(join(folder, 'certs', 'a.pem')))
  t.match(logged, [/^info revocation list .* line 1 matches no file any more$/])
  await eventAfter(watcher, 'swapped', () => utimesSync(list, 1, 1))
  await eventAfter(watcher, 'swapped', () => utimesSync(list, 2, 2))
  t.match(logged.slice(1), [/line 1 matches no file$/])
  t.equal(logged.length, 2)
})

t.test('a clock that throws un-revokes no client', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.pem\n', 'a.pem': alice.certificate })
  let isBroken = false
  const now = (): Date => {
    if (isBroken) throw new Error('no time')
    return new Date()
  }
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), now })
  isBroken = true
  await t.rejects(watcher.reload(), { message: 'no time' })
  t.ok(isAliceRevoked(watcher))
  isBroken = false
  await watcher.reload()
})
