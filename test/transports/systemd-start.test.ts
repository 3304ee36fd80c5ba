import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, compiled, handOver } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('the socket is there before the process: requests that are sent while it starts are all answered', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const path = join(makeShortFolder(t), 's')
  const { child, ports: [port] } = await handOver(t, ['tcp'], [
    'systemd-socket-activate', '--fdname=web:local', `--listen=${path}`, ...compiled('heir', 'systemd:INET:name=web', 'systemd:UNIX:name=local')
  ])
  await child.prints(/Listening on .*s as 4/)
  const where = [{ port: port as number }, { socketPath: path }]
  const statuses = await Promise.all(Array.from({ length: 40 }, async (_, count) => (await ask(where[count % 2] as { port: number })).status))
  t.same(statuses, statuses.map(() => 200))
  t.equal(statuses.length, 40)
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
  t.ok(existsSync(path))
})
