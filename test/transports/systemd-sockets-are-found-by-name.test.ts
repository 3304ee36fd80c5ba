import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, compiled, counted, handOver } from '../support/inherited.js'
import { withoutLoopback6 } from '../support/loopback.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('an app listens on the sockets that systemd names, and on nothing else', { skip: withoutLoopback6 }, async (t) => {
  if (!hasProgram(t, 'python')) return
  const path = join(makeShortFolder(t), 's')
  const words = ['LISTEN_FDNAMES=web:web:local:admin', 'tcp', 'tcp6', `unix=${path}`, 'tcp']
  const { child, ports: [port, port6,, admin] } = await handOver(t, words, counted('heir',
    'systemd:INET:name=web', 'systemd:INET6:name=web', 'systemd:UNIX:name=local', 'systemd:INET:index=3'))
  const [line] = await child.prints(/^\{"listening".*$/m)
  t.match(JSON.parse(line), {
    listening: `http://127.0.0.1:${port}`,
    addresses: [{ address: '127.0.0.1', port }, { address: '::1', port: port6 }, null, { address: '127.0.0.1', port: admin }],
    log: [`Server listening at http://[::1]:${port6}`, 'Server listening at systemd:UNIX:name=local', `Server listening at http://127.0.0.1:${admin}`, `Server listening at http://127.0.0.1:${port}`]
  })
  const body = JSON.stringify({ pid: child.pid, variables: [] })
  for (const where of [{ port: port as number }, { port: port6 as number, host: '::1' }, { socketPath: path }, { port: admin as number }]) {
    t.same(await ask(where), { status: 200, body })
  }
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
  t.ok(existsSync(path), 'the file of the unix socket belongs to systemd, and stays')
})

t.test('if the first endpoint is an inherited unix socket, the app reports the endpoint string instead of an address', async (t) => {
  if (!hasProgram(t, 'python')) return
  const path = join(makeShortFolder(t), 's')
  const { child } = await handOver(t, [`unix=${path}`], compiled('heir', 'systemd:UNIX:0'))
  const [line] = await child.prints(/^\{"listening".*$/m)
  t.match(JSON.parse(line), { listening: 'systemd:UNIX:0', origin: 'systemd:UNIX:0', addresses: [null], log: ['Server listening at systemd:UNIX:0'] })
  t.equal((await ask({ socketPath: path })).status, 200)
})
