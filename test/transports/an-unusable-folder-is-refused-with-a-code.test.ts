import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const NOBODY = 65534

t.test('a folder that does not exist is a coded error that says so', async (t) => {
  const path = join(makeShortFolder(t), 'missing', 's')
  for (const extra of ['', ':lockfile=0']) {
    await t.rejects(startApp(t, `unix:${path}${extra}`), {
      code: 'FST_ENDPOINT_ADDRESS_FORBIDDEN',
      message: /the folder must exist and be writable for the user of this process/,
      endpoint: `unix:${path}${extra}`
    }, extra)
  }
})

t.test('a folder without write permission is a coded error that says so', async (t) => {
  const folder = makeShortFolder(t)
  chmodSync(folder, 0o755)
  const closed = join(folder, 'closed')
  mkdirSync(closed, { mode: 0o555 })
  // Root may write everywhere, so the rest of this test runs as nobody.
  if (process.geteuid?.() === 0) {
    process.seteuid?.(NOBODY)
    t.teardown(() => { process.seteuid?.(0) })
  }
  for (const extra of ['', ':lockfile=0']) {
    await t.rejects(startApp(t, `unix:${join(closed, 's')}${extra}`), {
      code: 'FST_ENDPOINT_ADDRESS_FORBIDDEN',
      message: /no permission for .*; the folder must exist and be writable/,
      cause: { code: 'EACCES' }
    }, extra)
  }
})

t.test('a path that leads through a file is a coded error', async (t) => {
  const file = join(makeShortFolder(t), 'file')
  writeFileSync(file, '')
  await t.rejects(startApp(t, `unix:${join(file, 's')}:lockfile=0`), {
    code: 'FST_ENDPOINT_LISTEN',
    message: /cannot be opened at .*: listen ENOTDIR/
  })
})
