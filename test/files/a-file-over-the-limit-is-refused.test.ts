import { join } from 'node:path'
import t from 'tap'
import { readBoundedFile } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('a file over the limit is refused with the limit', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  await t.rejects(readBoundedFile(path, { what: 'certKey "file"', limit: 6 }), {
    code: 'FST_ENDPOINT_FILE_TOO_LARGE', message: 'certKey "file" is larger than the limit of 6 bytes: name the right file, or make it smaller', file: path
  })
})

t.test('the error names the argument that sets the limit', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  await t.rejects(readBoundedFile(path, { what: 'the list', limit: 6, limitName: 'limits.listBytes' }), {
    message: 'the list is larger than the limit of 6 bytes: name the right file, or raise limits.listBytes'
  })
})
