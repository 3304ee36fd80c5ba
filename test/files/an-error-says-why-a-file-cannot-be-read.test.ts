import { chmodSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readBoundedFile, systemReason } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRights } from '../support/without-rights.js'

const OPTIONS = { what: 'certKey "x"', limit: 10 }

const folder = makeTestFolder(t, { file: 'content' })
symlinkSync('nowhere', join(folder, 'dangling'))
symlinkSync('circle', join(folder, 'circle'))

const cases: Array<[name: string, path: string, reason: string]> = [
  ['a missing file', 'missing', 'there is no such file'],
  ['a link to nothing', 'dangling', 'it is a symbolic link that leads nowhere'],
  ['a file in place of a folder', 'file/below', 'a part of its path is not a folder'],
  ['links that form a loop', 'circle', 'its symbolic links form a loop'],
  ['a very long name', 'x'.repeat(5000), 'its path is too long'],
  ['a NUL', 'a\0b', 'its path holds a NUL character']
]

for (const [name, path, reason] of cases) {
  t.test(`the error names ${name}`, async (t) => {
    await t.rejects(readBoundedFile(join(folder, path), OPTIONS), {
      code: 'FST_ENDPOINT_FILE_UNREADABLE', message: `certKey "x" cannot be read: ${reason}`, file: join(folder, path)
    })
  })
}

t.test('the error for a file without read permission has the error of the system as its cause', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  chmodSync(path, 0)
  await withoutRights(() => t.rejects(readBoundedFile(path, OPTIONS), {
    message: 'certKey "x" cannot be read: permission denied (EACCES)', cause: { code: 'EACCES' }
  }))
})

t.test('the error names too many open files', async (t) => {
  t.equal(systemReason(Object.assign(new Error('x'), { code: 'EMFILE' })), 'too many files are open (EMFILE)')
})

t.test('an error that we do not describe keeps the message of the system', async (t) => {
  t.equal(systemReason(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })), 'EIO: i/o error, read')
})
