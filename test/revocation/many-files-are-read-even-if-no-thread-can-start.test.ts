import { writeFileSync } from 'node:fs'
import t from 'tap'
import { certificate, MANY, ManyFiles, revokedOf } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import { startWatcher, stateAfter } from '../support/watching.js'

t.test('many files are read without a thread if none can start', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { result: watcher, threads: [thread] } = await threadsDuring(() => startWatcher(t, { file: files.list, removalDelay: 0 }))
  await threadsDuring(async () => {
    thread?.terminate()
    await stateAfter(watcher, 'swapped', () => { writeFileSync(files.path(8), certificate(1008)) }, () => revokedOf(watcher.set, 1008).length === 1)
    t.equal(watcher.set.size, MANY)
  }, (thread) => { thread.terminate() })
})
