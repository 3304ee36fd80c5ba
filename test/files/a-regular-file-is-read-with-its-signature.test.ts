import { statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readBoundedFile, sameSignature, signatureOf } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'

const OPTIONS = { what: 'the file', limit: 10 }

t.test('a regular file is returned with its signature', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  const { bytes, signature } = await readBoundedFile(path, OPTIONS)
  t.equal(bytes.toString(), 'content')
  t.ok(sameSignature(signature, signatureOf(statSync(path, { bigint: true }))))
  t.equal(signature.size, 7n)
})

t.test('a file may be exactly as large as the limit', async (t) => {
  const path = join(makeTestFolder(t, { file: '0123456789' }), 'file')
  t.equal((await readBoundedFile(path, OPTIONS)).bytes.length, 10)
})

t.test('an empty file is accepted unless the caller refuses it', async (t) => {
  const path = join(makeTestFolder(t, { file: '' }), 'file')
  t.equal((await readBoundedFile(path, OPTIONS)).bytes.length, 0)
  await t.rejects(readBoundedFile(path, { ...OPTIONS, empty: 'refuse' }), {
    code: 'FST_ENDPOINT_FILE_EMPTY', message: 'the file is empty: fill it', file: path
  })
})

t.test('a symbolic link is followed', async (t) => {
  const folder = makeTestFolder(t, { file: 'content' })
  symlinkSync('file', join(folder, 'link'))
  t.equal((await readBoundedFile(join(folder, 'link'), OPTIONS)).bytes.toString(), 'content')
})
