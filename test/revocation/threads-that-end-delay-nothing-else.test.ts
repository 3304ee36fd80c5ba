import { writeFileSync } from 'node:fs'
import t from 'tap'
import { certificate, MANY, ManyFiles, revokedOf } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import { eventAfter, startWatcher, stateAfter } from '../support/watching.js'

t.test('lines of the list come into force even if every thread exits before it has read the files', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { result: watcher, threads: [thread] } = await threadsDuring(() => startWatcher(t, { file: files.list, removalDelay: 0 }))
  const key = Buffer.alloc(32).toString('base64')
  const before = watcher.set
  await threadsDuring(async () => {
    await eventAfter(watcher, 'failed', () => thread?.terminate())
    await stateAfter(watcher, 'swapped', () => {
      writeFileSync(files.path(8), certificate(1008))
      writeFileSync(files.list, `spki:sha256//${key}\ncerts/*.pem\n`)
    }, () => watcher.set.size === MANY + 1)
    t.match(watcher.problems, [{ code: 'FST_ENDPOINT_FILE_UNREADABLE' }])
    t.same(revokedOf(watcher.set, 1, 8, 1008), [1, 8], 'the files are unchanged')
    t.not(watcher.set, before)
  // Its first message says that it is ready. If a thread cannot even start, none is used.
  }, (thread) => { thread.once('message', () => { thread.terminate() }) })
  await eventAfter(watcher, 'recovered', () => {})
  t.same(revokedOf(watcher.set, 1, 8, 1008), [1, 1008])
  t.equal(watcher.set.size, MANY + 1)
  t.match([...watcher.set.keys.list.tbs.values()][0], { line: 2 })
})
