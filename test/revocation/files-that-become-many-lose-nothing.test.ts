import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { certificate, MANY, ManyFiles, revokedOf } from '../support/many-files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher, stateAfter } from '../support/watching.js'

const FEW = 10

function grow (files: ManyFiles): void {
  for (let index = FEW; index < MANY; index++) writeFileSync(files.path(index), certificate(index))
}

t.test('no client is un-revoked when the files exceed the limit', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), FEW)
  const watcher = await startWatcher(t, { file: files.list, limits: { files: 550 } })
  await stateAfter(watcher, 'failed', () => grow(files), () => watcher.problems.some((problem) => 'code' in problem && problem.code === 'FST_ENDPOINT_LIST_TOO_MANY_FILES'))
  t.same(revokedOf(watcher.set, 0, FEW - 1), [0, FEW - 1])
})

t.test('no client is un-revoked when another folder is missing meanwhile', async (t) => {
  const files = new ManyFiles(makeTestFolder(t, {}), FEW)
  const other = join(files.folder, 'other')
  mkdirSync(other)
  writeFileSync(join(other, 'device.pem'), certificate(1001))
  writeFileSync(files.list, 'certs/*.pem\nother/*.pem\n')
  const watcher = await startWatcher(t, { file: files.list })
  await stateAfter(watcher, 'swapped', () => {
    renameSync(other, `${other}-away`)
    grow(files)
  }, () => revokedOf(watcher.set, MANY - 1).length === 1)
  t.match(watcher.problems, [{ code: 'FST_ENDPOINT_LIST_MISSING' }])
  t.same(revokedOf(watcher.set, 0, 1001), [0, 1001])
})
