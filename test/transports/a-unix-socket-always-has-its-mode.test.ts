import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { startApp } from '../support/mutual-tls.js'
import { getOverUnix, makeShortFolder } from '../support/unix-sockets.js'

t.test('the socket has the mode of the endpoint string, whatever the umask', async (t) => {
  const folder = makeShortFolder(t)
  const before = process.umask(0o027)
  t.teardown(() => { process.umask(before) })
  for (const mode of ['0600', '0660', '666', '0777', '0000', '0006']) {
    const path = join(folder, mode)
    await startApp(t, `unix:${path}:mode=${mode}`)
    t.equal(statSync(path).mode & 0o7777, Number.parseInt(mode, 8), mode)
  }
  const path = join(folder, 'default')
  await startApp(t, `unix:${path}`)
  t.equal(statSync(path).mode & 0o7777, 0o666, 'the default')
  t.equal(await getOverUnix(path), 200)
})

t.test('the socket never has another mode, not even for a moment', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const observer = startProgram(t, 'watch-mode', [path])
  await observer.prints(/watching/)
  await startApp(t, `unix:${path}:mode=0600`)
  const [, seen] = await observer.prints(/seen (.*)\n/)
  t.equal(seen, '600')
})
