import { lstatSync, lutimesSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { getOverUnix, leaveStaleSocket, LONG_AGO, makeShortFolder } from '../support/unix-sockets.js'

t.test('a process that was killed while it took over a stale lock does not block other processes', async (t) => {
  const folder = makeShortFolder(t)
  const path = join(folder, 's')
  await leaveStaleSocket(path)
  symlinkSync('nobody', `${path}.lock`)
  const claim = `${path}.lock.${lstatSync(`${path}.lock`, { bigint: true }).mtimeNs}`
  symlinkSync(String(process.ppid), claim)
  lutimesSync(claim, LONG_AGO, LONG_AGO)
  const { app } = await startApp(t, `unix:${path}`)
  t.equal(await getOverUnix(path), 200)
  await app.close()
  t.same(readdirSync(folder), [])
})

t.test('a process that is taking over a stale lock blocks other processes', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  symlinkSync('nobody', `${path}.lock`)
  const claim = `${path}.lock.${lstatSync(`${path}.lock`, { bigint: true }).mtimeNs}`
  symlinkSync(String(process.ppid), claim)
  await t.rejects(startApp(t, `unix:${path}`), { code: 'FST_ENDPOINT_SOCKET_LOCKED' })
  t.ok(lstatSync(path).isSocket())
  t.ok(lstatSync(claim).isSymbolicLink())
})
