import { once } from 'node:events'
import { readdirSync, symlinkSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { leaveStaleSocket, makeShortFolder } from '../support/unix-sockets.js'

const RIVALS = 5

t.test('when several processes take over a stale socket at once, exactly one gets it', async (t) => {
  const folder = makeShortFolder(t)
  const path = join(folder, 's')
  await leaveStaleSocket(path)
  symlinkSync('nobody', `${path}.lock`)
  const rivals = Array.from({ length: RIVALS }, () => startProgram(t, 'rival', [`unix:${path}`]))
  await Promise.all(rivals.map((rival) => rival.prints(/ready/)))
  for (const rival of rivals) rival.process.stdin?.write('go\n')
  const outcomes = await Promise.all(rivals.map(async (rival) => (await rival.prints(/(listening|failed \S+)/))[1]))
  t.same(outcomes.toSorted(), [...Array(RIVALS - 1).fill('failed FST_ENDPOINT_SOCKET_LOCKED'), 'listening'])
  const winner = rivals[outcomes.indexOf('listening')]
  const outgoing = request({ socketPath: path, agent: false }).end()
  const [response] = await once(outgoing, 'response')
  t.match(String(await response.toArray()), `{"pid":${winner?.pid}}`)
  winner?.kill('SIGTERM')
  await winner?.ended
  t.same(readdirSync(folder), [])
})
