import { renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { certificate, MANY, ManyFiles, revokedOf } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'
import { eventAfter, startWatcher, stateAfter } from '../support/watching.js'

t.test('every change is seen, and other entries stay unchanged', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { result: watcher, threads } = await threadsDuring(() => startWatcher(t, { file: files.list, removalDelay: 0 }))
  t.equal(threads.length, 1)
  t.equal(watcher.set.size, MANY)
  const before = watcher.set
  t.same(before.find({ tbs: '', serial: '', spki: '' }), undefined)

  await eventAfter(watcher, 'swapped', () => { writeFileSync(files.path(3), certificate(1003)) })
  t.same(revokedOf(watcher.set, 3, 4, 1003), [4, 1003], 'written in place')
  t.same(revokedOf(before, 3, 4, 1003), [3, 4], 'the previous set is unchanged')

  await stateAfter(watcher, 'swapped', () => {
    writeFileSync(`${files.folder}/next`, certificate(1004))
    renameSync(`${files.folder}/next`, files.path(4))
  }, () => revokedOf(watcher.set, 4, 1004)[0] === 1004)
  t.equal(watcher.set.size, MANY, 'renamed over it')

  await stateAfter(watcher, 'swapped', () => { writeFileSync(files.path('new'), certificate(1005)) }, () => revokedOf(watcher.set, 1005).length === 1)
  t.equal(watcher.set.size, MANY + 1, 'added')

  await stateAfter(watcher, 'swapped', () => { unlinkSync(files.path(5)) }, () => revokedOf(watcher.set, 5).length === 0)
  t.equal(watcher.set.size, MANY, 'removed')

  const { loadedAt } = watcher.set
  await eventAfter(watcher, 'swapped', () => { utimesSync(files.list, new Date(), new Date(0)) })
  t.ok(watcher.set.loadedAt > loadedAt, 'the list was touched')
  t.equal(watcher.set.size, MANY)

  await stateAfter(watcher, 'swapped', () => { for (let index = 100; index < 200; index++) writeFileSync(files.path(index), certificate(2000 + index)) }, () => revokedOf(watcher.set, 2100, 2150, 2199).length === 3)
  t.same(revokedOf(watcher.set, 100, 150, 199, 200), [200], 'many at once')

  await watcher.reload()
  t.equal(watcher.set.size, MANY)
})

t.test('a broken file keeps its last good content, and is reported', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const watcher = await startWatcher(t, { file: files.list, removalDelay: 0 })
  const [[problem]] = await eventAfter(watcher, 'failed', () => { writeFileSync(files.path(7), 'broken') })
  t.match(problem, { code: 'FST_ENDPOINT_FILE_INVALID', file: files.path(7) })
  t.same(revokedOf(watcher.set, 7), [7])
  await t.rejects(watcher.reload(), { code: 'FST_ENDPOINT_FILE_INVALID' })
  await eventAfter(watcher, 'recovered', () => { writeFileSync(files.path(7), certificate(1007)) })
  t.same(revokedOf(watcher.set, 7, 1007), [1007])
})

t.test('a thread that exits is replaced, and the set stays in force', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const { result: watcher, threads: [thread] } = await threadsDuring(() => startWatcher(t, { file: files.list, removalDelay: 0 }))
  await eventAfter(watcher, 'failed', () => { writeFileSync(files.path(7), 'broken') })
  const { threads } = await threadsDuring(async () => {
    await thread?.terminate()
    await stateAfter(watcher, 'swapped', () => { writeFileSync(files.path(8), certificate(1008)) }, () => revokedOf(watcher.set, 1008).length === 1)
  })
  t.equal(threads.length, 1)
  t.same(revokedOf(watcher.set, 6, 7, 8), [6, 7])
  t.equal(watcher.set.size, MANY)
})

t.test('a change of lines changes the sources of the files', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const watcher = await startWatcher(t, { file: files.list, removalDelay: 0 })
  const key = Buffer.alloc(32).toString('base64')
  await stateAfter(watcher, 'swapped', () => { writeFileSync(files.list, `certs/*.pem\nspki:sha256//${key}\n`) }, () => watcher.set.size === MANY + 1)
  await stateAfter(watcher, 'swapped', () => { writeFileSync(files.list, '\ncerts/*.pem\n') }, () => watcher.set.size === MANY)
  const [, , entry] = [...watcher.set.keys.list.tbs.values()]
  t.match(entry, { line: 2 })
  await stateAfter(watcher, 'swapped', () => { writeFileSync(files.list, 'certs/device-1*.pem\n') }, () => watcher.set.size < MANY)
  t.same(revokedOf(watcher.set, 1, 2, 100, 200), [1, 100])
})

t.test('a second watcher of the list starts with the files that the first has read', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}))
  const watcher = await startWatcher(t, { file: files.list, removalDelay: 0 })
  await eventAfter(watcher, 'failed', () => { writeFileSync(files.path(7), 'broken') })
  const another = await watcher.startAnother(Authorities.none)
  t.teardown(() => another.close())
  t.equal(another.set.size, MANY)
  t.same(revokedOf(another.set, 7), [7], 'also in a broken file')
  await stateAfter(another, 'swapped', () => { writeFileSync(files.path(8), certificate(1008)) }, () => revokedOf(another.set, 1008).length === 1)
  t.equal(another.set.size, MANY)
})
