/** Files that a thread reads follow the same rules for removals as files of the main thread. */
import { mkdirSync, renameSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { RACY } from '../../lib/watching/observation.js'
import { mount } from '../support/kubernetes.js'
import { certificate, MANY, ManyFiles, revokedOf } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import { startWatcher, stateAfter } from '../support/watching.js'

const DELAY = 100_000

async function start (t: Test, files: { readonly list: string }): Promise<{ watcher: RevocationWatcher, end: () => Promise<void>, pass: (milliseconds: number) => Promise<void> }> {
  let time = 0
  // A watcher does not keep the process alive.
  const hold = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(hold))
  const { result: watcher, threads: [thread] } = await threadsDuring(() => startWatcher(t, { file: files.list, removalDelay: DELAY, clock: () => time }))
  return {
    watcher,
    end: async () => { await thread?.terminate() },
    pass: async (milliseconds) => {
      // All changes are at rest after this.
      await delay(RACY + 10)
      time += milliseconds
      await watcher.catchUp()
    }
  }
}

t.test('a file stays revoked until the delay has passed if it is removed, written in place, or moved to the folder of another pattern', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, { other: {} }))
  writeFileSync(files.list, 'certs/*.pem\nother/*.pem\n')
  const { watcher, pass } = await start(t, files)
  unlinkSync(files.path(1))
  writeFileSync(files.path(2), certificate(1002))
  for (let index = 10; index < 40; index++) renameSync(files.path(index), join(files.folder, 'other', `${index}.pem`))
  await pass(0)
  t.same(revokedOf(watcher.set, 1, 2, 10, 39, 1002), [1, 2, 10, 39, 1002])
  t.equal(watcher.set.size, MANY + 1)
  await pass(DELAY - 1)
  t.same(revokedOf(watcher.set, 1, 2, 10, 39, 1002), [1, 2, 10, 39, 1002])
  await pass(1)
  t.same(revokedOf(watcher.set, 1, 2, 10, 39, 1002), [10, 39, 1002])
  t.equal(watcher.set.size, MANY - 1)
})

t.test('many files that are removed at once stay revoked until the delay has passed, even if the thread exits', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { watcher, end, pass } = await start(t, files)
  for (let index = 0; index < MANY - 10; index++) unlinkSync(files.path(index))
  await pass(0)
  t.equal(watcher.set.size, MANY)
  await end()
  await pass(DELAY - 1)
  t.equal(watcher.set.size, MANY)
  unlinkSync(files.path(MANY - 1))
  await pass(1)
  t.equal(watcher.set.size, 10)
  t.same(revokedOf(watcher.set, 0, MANY - 1), [MANY - 1], 'each at its own time')
  await pass(DELAY)
  t.equal(watcher.set.size, 9)
})

t.test('a file that becomes a folder stays revoked, even while its removal waits', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { watcher, pass } = await start(t, files)
  rmSync(files.path(1))
  await pass(0)
  mkdirSync(files.path(1))
  rmSync(files.path(2))
  mkdirSync(files.path(2))
  for (let round = 0; round < 2; round++) {
    await pass(2 * DELAY)
    t.same(revokedOf(watcher.set, 1, 2), [1, 2])
    t.same(watcher.problems.map((problem) => 'code' in problem && problem.code), ['FST_ENDPOINT_FILE_NOT_REGULAR', 'FST_ENDPOINT_FILE_NOT_REGULAR'])
  }
  rmdirSync(files.path(1))
  rmdirSync(files.path(2))
  await pass(0)
  await pass(DELAY)
  t.same(revokedOf(watcher.set, 1, 2), [])
  t.same(watcher.problems, [])
})

t.test('a Kubernetes volume is swapped at once', async (t) => {
  const folder = makeTestFolder(t, {})
  const content = (first: number): Record<string, string> => Object.fromEntries([['revoked.txt', '*.pem\n'], ...Array.from({ length: MANY }, (_, index) => [`${index}.pem`, certificate(first + index)])])
  await mount(folder, 'v1', content(0))
  const { watcher } = await start(t, { list: join(folder, 'revoked.txt') })
  t.equal(watcher.set.size, MANY)
  await stateAfter(watcher, 'swapped', () => mount(folder, 'v2', content(1)), () => revokedOf(watcher.set, 0).length === 0)
  t.equal(watcher.set.size, MANY)
  t.same(revokedOf(watcher.set, 0, 1, MANY), [1, MANY])
})
