import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { getOverUnix, makeShortFolder } from '../support/unix-sockets.js'

t.test('the socket of a cluster worker has the mode of the endpoint string', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const primary = startProgram(t, 'cluster', [`unix:${path}:mode=0600`])
  await primary.prints(/listening/)
  t.equal(statSync(path).mode & 0o7777, 0o600)
  t.equal(await getOverUnix(path), 200)
  primary.kill('SIGTERM')
  t.match(await primary.ended, { status: 0 })
})
