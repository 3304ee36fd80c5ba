import { existsSync, lstatSync, lutimesSync, readlinkSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { startApp } from '../support/mutual-tls.js'
import { getOverUnix, LONG_AGO, leaveStaleSocket, makeShortFolder } from '../support/unix-sockets.js'

t.test('a symbolic link beside the socket names the process that holds it; close removes both', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const { app } = await startApp(t, `unix:${path}`)
  t.equal(readlinkSync(`${path}.lock`), String(process.pid))
  t.ok(lstatSync(path).isSocket())
  await app.close()
  t.notOk(existsSync(path), 'the socket')
  t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }), 'the lock')
})

t.test('with lockfile=0 there is no lock', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const { app } = await startApp(t, `unix:${path}:lockfile=0`)
  t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }))
  t.equal(await getOverUnix(path), 200)
  await app.close()
  t.notOk(existsSync(path))
})

t.test('a new process takes over the socket that a killed process left behind', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const killed = startProgram(t, 'serve', [`unix:${path}`])
  await killed.prints(/listening/)
  t.equal(readlinkSync(`${path}.lock`), String(killed.pid))
  killed.kill('SIGKILL')
  await killed.ended
  t.ok(lstatSync(path).isSocket(), 'a stale socket')
  await startApp(t, `unix:${path}`)
  t.equal(readlinkSync(`${path}.lock`), String(process.pid))
  t.equal(await getOverUnix(path), 200)
})

t.test('the socket of a running process is left alone', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const holder = startProgram(t, 'serve', [`unix:${path}`])
  await holder.prints(/listening/)
  await t.rejects(startApp(t, `unix:${path}`), {
    code: 'FST_ENDPOINT_SOCKET_LOCKED',
    message: `The unix socket ${path} is in use by another process, according to the lock ${path}.lock`,
    endpoint: `unix:${path}`
  })
  t.equal(readlinkSync(`${path}.lock`), String(holder.pid))
  t.equal(await getOverUnix(path), 200)
})

t.test('two endpoints of one app cannot share a socket', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await t.rejects(startApp(t, [`unix:${path}`, `unix:${path}`]), { code: 'FST_ENDPOINT_ADDRESS_IN_USE', cause: { code: 'FST_ENDPOINT_SOCKET_LOCKED' } })
  t.notOk(existsSync(path))
})

t.test('a lock with our own pid is stale: in a container, an earlier run often had the same pid', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  symlinkSync(String(process.pid), `${path}.lock`)
  lutimesSync(`${path}.lock`, LONG_AGO, LONG_AGO)
  await startApp(t, `unix:${path}`)
  t.equal(await getOverUnix(path), 200)
})

t.test('a lock without a pid is stale', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  symlinkSync('nobody', `${path}.lock`)
  await startApp(t, `unix:${path}`)
  t.equal(await getOverUnix(path), 200)
})

t.test('the lock of a running process counts only while the process may still bind the socket', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  symlinkSync(String(process.ppid), `${path}.lock`)
  await t.rejects(startApp(t, `unix:${path}`), { code: 'FST_ENDPOINT_SOCKET_LOCKED' })
  lutimesSync(`${path}.lock`, LONG_AGO, LONG_AGO)
  await startApp(t, `unix:${path}`)
  t.equal(await getOverUnix(path), 200)
})
