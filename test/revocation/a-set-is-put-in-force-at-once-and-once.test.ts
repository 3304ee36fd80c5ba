import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { eventAfter, startWatcher, stateAfter } from '../support/watching.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })

async function start (t: Test, list = 'certs/*.pem\n'): Promise<{ watcher: RevocationWatcher, folder: string, list: string }> {
  const folder = makeTestFolder(t, { 'revoked.txt': list, certs: { 'a.pem': alice.certificate } })
  return { watcher: await startWatcher(t, { file: join(folder, 'revoked.txt'), removalDelay: 0 }), folder, list: join(folder, 'revoked.txt') }
}

t.test('the event is emitted when the set is assigned', async (t) => {
  const { watcher, folder } = await start(t)
  const before = watcher.set
  t.equal(watcher.generation, 1)
  const seen: unknown[] = []
  watcher.once('swapped', () => seen.push(watcher.set, watcher.generation))
  const [set, generation] = await eventAfter(watcher, 'swapped', () => writeFileSync(join(folder, 'certs', 'b.pem'), bob.certificate))
  t.equal(set, watcher.set)
  t.equal(generation, 2)
  t.same(seen, [set, 2])
  t.equal(before.find(identifyCertificate(bob.der)), undefined, 'the old set is unchanged')
})

t.test('the watcher uses the given clock', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '' })
  let day = 1
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), now: () => new Date(Date.UTC(2030, 0, day++)) })
  t.equal(watcher.set.loadedAt.toISOString(), '2030-01-01T00:00:00.000Z')
  await watcher.reload()
  t.ok(watcher.set.loadedAt > new Date(Date.UTC(2030, 0, 1)))
})

t.test('a change without effect puts no new set in force', async (t) => {
  const { watcher, folder, list } = await start(t)
  const certs = join(folder, 'certs')
  writeFileSync(join(certs, 'notes.txt'), 'not matched')
  writeFileSync(join(certs, 'a.pem'), alice.certificate)
  mkdirSync(join(certs, 'sub'))
  writeFileSync(join(certs, 'notes.txt.new'), 'more')
  renameSync(join(certs, 'notes.txt.new'), join(certs, 'notes.txt'))
  // Touching the list asks for a new generation.
  await eventAfter(watcher, 'swapped', () => utimesSync(list, 1, 1))
  t.equal(watcher.generation, 2)
})

t.test('an explicit reload puts a set in force, changed or not', async (t) => {
  const { watcher } = await start(t)
  const before = watcher.set
  await watcher.reload()
  t.equal(watcher.generation, 2)
  t.not(watcher.set, before)
  t.equal(watcher.set.size, before.size)
})

t.test('overlapping reloads share a load that begins after the last of them', async (t) => {
  const { watcher, folder, list } = await start(t)
  const first = watcher.reload()
  // The first load is under way and may have read the list; those that follow must see the new one.
  writeFileSync(list, '# none\n')
  const others = Array.from({ length: 20 }, () => watcher.reload())
  await Promise.all([first, ...others])
  t.equal(watcher.set.size, 0)
  t.ok(watcher.generation <= 3, `generation ${watcher.generation}`)
  rmSync(join(folder, 'certs'), { recursive: true })
})

t.test('a reload does not wait for a change to settle', async (t) => {
  const { watcher, list } = await start(t)
  writeFileSync(list, '# none\n')
  await watcher.reload()
  t.equal(watcher.set.size, 0)
})

t.test('the watcher waits for a file that is being written', async (t) => {
  const { watcher, list } = await start(t)
  const end = performance.now() + 300
  let writes = 0
  let generation = 0
  // On a busy machine two looks may agree though the writing goes on, and find the list empty in the middle.
  const isEmpty = (): boolean => generation > 0 && watcher.set.size === 0
  await stateAfter(watcher, 'swapped', function write () {
    writeFileSync(list, `# ${writes++}\n`)
    if (performance.now() < end) setImmediate(write)
    else generation = watcher.generation
  }, isEmpty)
  t.ok(generation <= 3, `${writes} writes, generation ${generation} at their end`)
})

t.test('the working directory may change', async (t) => {
  const folder = makeTestFolder(t, { here: { 'revoked.txt': '*.pem', 'a.pem': alice.certificate }, there: { 'revoked.txt': '' } })
  const before = process.cwd()
  t.teardown(() => process.chdir(before))
  process.chdir(join(folder, 'here'))
  const watcher = await startWatcher(t, { file: 'revoked.txt' })
  process.chdir(join(folder, 'there'))
  await watcher.reload()
  t.equal(watcher.set.size, 1)
})

t.test('a listener that throws does not stop the other listeners', async (t) => {
  const { watcher } = await start(t)
  const thrown: unknown[] = []
  process.once('uncaughtException', (error) => thrown.push(error))
  t.teardown(() => process.removeAllListeners('uncaughtException'))
  const error = new Error('a listener')
  watcher.once('swapped', () => { throw error })
  await eventAfter(watcher, 'swapped', () => watcher.reload())
  t.equal(watcher.generation, 2)
  await new Promise(setImmediate)
  t.same(thrown, [error], 'the error is not lost')
})

t.test('many endpoints may share a watcher', async (t) => {
  const { watcher } = await start(t)
  const warnings: Error[] = []
  const listen = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  let calls = 0
  for (let endpoint = 0; endpoint < 50; endpoint++) watcher.on('swapped', () => { calls++ })
  await watcher.reload()
  await new Promise(setImmediate)
  t.equal(calls, 50)
  t.same(warnings, [])
})
