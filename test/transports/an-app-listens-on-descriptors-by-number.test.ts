import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, compiled, handOver, tryEach } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

if (hasProgram(t, 'python')) {
  t.test('an app listens on descriptors by their numbers, whatever kind of stream socket they are', async (t) => {
    const path = join(makeShortFolder(t), 's')
    const { child, ports: [port,, bound] } = await handOver(t, ['tcp', `unix=${path}`, 'bound'], compiled('heir', 'fd:3', 'fd:4', 'fd:5'))
    const [line] = await child.prints(/^\{"listening".*$/m)
    t.match(JSON.parse(line), { listening: `http://127.0.0.1:${port}`, addresses: [{ port }, null, { port: bound }] })
    for (const where of [{ port: port as number }, { socketPath: path }, { port: bound as number }]) t.equal((await ask(where)).status, 200)
    child.kill('SIGTERM')
    t.match(await child.ended, { status: 0 })
    t.ok(existsSync(path), 'the file belongs to its creator')
  })

  t.test('a descriptor belongs to one endpoint, even after that endpoint is closed', async (t) => {
    t.match(await tryEach(t, ['LISTEN_FDNAMES=a', 'tcp'], ['fd:3', 'fd:3', 'systemd:INET:name=a']), [
      { listening: 'fd:3' },
      { code: 'FST_ENDPOINT_DESCRIPTOR_TAKEN', endpoint: 'fd:3', message: 'another endpoint has used descriptor 3, and only one can listen on it' },
      { code: 'FST_ENDPOINT_DESCRIPTOR_TAKEN', endpoint: 'systemd:INET:name=a' }
    ])
  })

  t.test('if another endpoint cannot be opened, the descriptor is closed and cannot be used again', async (t) => {
    const { child, ports: [port] } = await handOver(t, ['tcp', 'pipe'], compiled('heir', 'fd:3', 'fd:4'))
    const [first] = await child.prints(/^\{"code".*$/m)
    t.match(JSON.parse(first), { code: 'FST_ENDPOINT_DESCRIPTOR_INVALID', endpoint: 'fd:4' })
    await t.rejects(ask({ port: port as number }))
    child.kill('SIGHUP')
    const [, second] = await child.prints(/^\{"code".*\n(\{"code".*)$/m)
    t.match(JSON.parse(second as string), { code: 'FST_ENDPOINT_DESCRIPTOR_TAKEN', endpoint: 'fd:3' })
  })
}
