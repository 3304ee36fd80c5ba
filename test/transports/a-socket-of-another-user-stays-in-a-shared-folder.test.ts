import { chmodSync, lstatSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { leaveStaleSocket, makeShortFolder } from '../support/unix-sockets.js'

const NOBODY = 65534
const skip = process.geteuid?.() === 0 ? false : 'only root can leave something behind for another user'

t.test('a stale socket of another user in a shared folder stays, and the error has a code', { skip }, async (t) => {
  const folder = makeShortFolder(t)
  chmodSync(folder, 0o1777)
  const locked = join(folder, 'locked')
  await leaveStaleSocket(locked)
  chmodSync(locked, 0o666)
  symlinkSync('nobody', `${locked}.lock`)
  const socketOnly = join(folder, 'socket')
  await leaveStaleSocket(socketOnly)
  chmodSync(socketOnly, 0o666)
  process.seteuid?.(NOBODY)
  t.teardown(() => { process.seteuid?.(0) })
  symlinkSync('nobody', `${socketOnly}.lock`)
  for (const path of [locked, socketOnly]) {
    await t.rejects(startApp(t, `unix:${path}`), {
      code: 'FST_ENDPOINT_ADDRESS_FORBIDDEN',
      endpoint: `unix:${path}`,
      cause: { code: 'EPERM' }
    })
    t.ok(lstatSync(path).isSocket())
  }
})
