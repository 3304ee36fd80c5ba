import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('the umask of the process does not change, even if the socket cannot be opened', async (t) => {
  const folder = makeShortFolder(t)
  const before = process.umask(0o027)
  t.teardown(() => { process.umask(before) })
  await startApp(t, `unix:${join(folder, 's')}:mode=0600`)
  t.equal(process.umask(0o027), 0o027, 'after it was opened')

  writeFileSync(join(folder, 'file'), 'mine')
  await t.rejects(startApp(t, `unix:${join(folder, 'file')}:mode=0600`))
  t.equal(process.umask(0o027), 0o027, 'after a file was in the way')

  await t.rejects(startApp(t, `unix:${join(folder, 'missing', 's')}:mode=0600:lockfile=0`))
  t.equal(process.umask(0o027), 0o027, 'after the folder was missing')
})
