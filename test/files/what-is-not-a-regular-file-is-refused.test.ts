import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readBoundedFile } from '../../lib/files.js'
import { makeTestFolder } from '../support/test-folder.js'

async function refusal (path: string): Promise<unknown> {
  return await readBoundedFile(path, { what: 'the file', limit: 10, location: { argument: 'certKey' } }).catch((error) => error)
}

function notRegular (kind: string): object {
  return { code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: `the file is ${kind}: name a regular file`, argument: 'certKey' }
}

t.test('a directory is refused', async (t) => {
  t.match(await refusal(makeTestFolder(t)), notRegular('a directory'))
})

t.test('a FIFO is refused, and does not block the reader', async (t) => {
  const path = join(makeTestFolder(t), 'fifo')
  execFileSync('mkfifo', [path])
  t.match(await refusal(path), { ...notRegular('a FIFO'), file: path })
})

t.test('a link to a device is refused', async (t) => {
  const path = join(makeTestFolder(t), 'device')
  symlinkSync('/dev/null', path)
  t.match(await refusal(path), notRegular('a device'))
})

t.test('a socket is refused', async (t) => {
  // A path to a socket must be short.
  const path = join(tmpdir(), `socket-${process.pid}`)
  const server = createServer().listen(path)
  t.teardown(() => server.close())
  await once(server, 'listening')
  t.match(await refusal(path), notRegular('a socket'))
})
