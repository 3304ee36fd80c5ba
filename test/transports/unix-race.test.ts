import { join } from 'node:path'
import { lstatSync } from 'node:fs'
import { request } from 'node:http'
import { once } from 'node:events'
import t from 'tap'
import { startProgram } from '../support/children.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const ROUNDS = 2
const RIVALS = 4

t.test('of several processes that take over a stale socket at once exactly one gets it', async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const path = join(makeShortFolder(t), 's')
    const killed = startProgram(t, 'serve', [`unix:${path}`])
    await killed.prints(/listening/)
    killed.kill('SIGKILL')
    await killed.ended
    const rivals = Array.from({ length: RIVALS }, () => startProgram(t, 'rival', [`unix:${path}`]))
    await Promise.all(rivals.map((rival) => rival.prints(/ready/)))
    for (const rival of rivals) rival.process.stdin?.write('go\n')
    const outcomes = await Promise.all(rivals.map(async (rival) => (await rival.prints(/(listening|failed \S+)/))[1]))
    t.equal(outcomes.filter((outcome) => outcome === 'listening').length, 1, outcomes.join(', '))
    const winner = rivals[outcomes.indexOf('listening')]
    const outgoing = request({ socketPath: path, agent: false }).end()
    const [response] = await once(outgoing, 'response')
    t.match(String(await response.toArray()), `{"pid":${winner?.pid}}`)
    winner?.kill('SIGTERM')
    await winner?.ended
    t.notOk(lstatSync(path, { throwIfNoEntry: false }))
    t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }))
  }
})
