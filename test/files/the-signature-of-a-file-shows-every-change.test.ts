import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sameSignature, signatureOf, type FileSignature } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { until } from '../support/until.js'

function signature (path: string): FileSignature {
  return signatureOf(statSync(path, { bigint: true }))
}

t.test('a change that keeps the size and puts the time back changes the signature', async (t) => {
  const path = join(makeTestFolder(t, { file: 'aaaa' }), 'file')
  utimesSync(path, 1, 1)
  const before = signature(path)
  // The clock of the file system moves in ticks.
  await until('the clock of the file system ticks', () => {
    writeFileSync(path, 'bbbb')
    utimesSync(path, 1, 1)
    return signature(path).ctimeNs !== before.ctimeNs
  })
  t.equal(signature(path).mtimeNs, before.mtimeNs)
  t.notOk(sameSignature(before, signature(path)))
})

t.test('a replaced file has another signature', async (t) => {
  const folder = makeTestFolder(t, { file: 'same', other: 'same' })
  const before = signature(join(folder, 'file'))
  renameSync(join(folder, 'other'), join(folder, 'file'))
  t.notOk(sameSignature(before, signature(join(folder, 'file'))))
})

t.test('reading does not change the signature', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  const before = signature(path)
  readFileSync(path)
  t.ok(sameSignature(before, signature(path)))
})
