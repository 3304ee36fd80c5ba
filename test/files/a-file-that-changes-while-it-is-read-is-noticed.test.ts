import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readBoundedFile, readSettledFile } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'

const OPTIONS = { what: 'the file', limit: 100_000_000 }

/** Writes in every round of the event loop; one read takes several rounds. */
async function whileWritten<T> (path: string, act: () => Promise<T>): Promise<T> {
  let immediate: NodeJS.Immediate
  const write = (): void => {
    appendFileSync(path, 'more')
    immediate = setImmediate(write)
  }
  write()
  return await act().finally(() => clearImmediate(immediate))
}

t.test('a file that is being written is not read half done', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  await t.rejects(whileWritten(path, () => readBoundedFile(path, OPTIONS)), {
    code: 'FST_ENDPOINT_FILE_CHANGED', message: 'the file changed while it was being read: replace it in one step with a rename', file: path
  })
})

t.test('reading is retried only a limited number of times', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  await t.rejects(whileWritten(path, () => readSettledFile(path, OPTIONS)), { code: 'FST_ENDPOINT_FILE_CHANGED' })
})

t.test('a file that does not change is read at once', async (t) => {
  const path = join(makeTestFolder(t, { file: 'content' }), 'file')
  t.equal((await readSettledFile(path, OPTIONS)).bytes.toString(), 'content')
})

t.test('a read stops at the size that the file reported', { skip: process.platform !== 'linux' }, async (t) => {
  // This file reports that it is empty, but is not.
  await t.rejects(readBoundedFile('/proc/self/status', OPTIONS), { code: 'FST_ENDPOINT_FILE_CHANGED' })
})
