import { lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { leaveStaleSocket, makeShortFolder } from '../support/unix-sockets.js'

t.test('the endpoint never removes a file that is not a socket', async (t) => {
  const folder = makeShortFolder(t)
  for (const [name, extra] of [['plain', ''], ['unlocked', ':lockfile=0'], ['stale', '']] as const) {
    const path = join(folder, name)
    writeFileSync(path, 'mine')
    if (name === 'stale') symlinkSync('nobody', `${path}.lock`)
    await t.rejects(startApp(t, `unix:${path}${extra}`), {
      code: 'FST_ENDPOINT_ADDRESS_IN_USE',
      message: /for a unix socket, perhaps a leftover file: remove it if nothing listens there/
    }, name)
    t.equal(readFileSync(path, 'utf8'), 'mine')
    t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }), 'the failure leaves no lock')
  }
})

t.test('a stale socket without a lock is not removed, because its owner may use another kind of lock', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  for (const extra of ['', ':lockfile=0']) {
    await t.rejects(startApp(t, `unix:${path}${extra}`), {
      code: 'FST_ENDPOINT_ADDRESS_IN_USE',
      message: /remove it if nothing listens there/
    })
    t.ok(lstatSync(path).isSocket())
    t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }))
  }
})

t.test('a file with the name of the lock that is not our lock is left alone', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await leaveStaleSocket(path)
  writeFileSync(`${path}.lock`, 'mine')
  await t.rejects(startApp(t, `unix:${path}`), { code: 'FST_ENDPOINT_SOCKET_LOCKED' })
  t.equal(readFileSync(`${path}.lock`, 'utf8'), 'mine')
  t.ok(lstatSync(path).isSocket())
})
