import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ask, compiled, handOver } from '../support/inherited.js'
import { withoutLoopback6 } from '../support/loopback.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

/** Only for machines with an IPv6 loopback. */
const having6 = <T>(what: T): T[] => withoutLoopback6 === false ? [what] : []

t.test('requests that arrive while the process starts are all answered, for sockets by index and by name', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const path = join(makeShortFolder(t), 's')
  const { child, ports: [port, six] } = await handOver(t, ['tcp', ...having6('tcp6')], [
    'systemd-socket-activate', `--fdname=${['web', ...having6('six'), 'local'].join(':')}`, `--listen=${path}`,
    ...compiled('heir', 'systemd:INET:0', ...having6('systemd:INET6:name=six'), 'systemd:UNIX:name=local')
  ])
  await child.prints(/Listening on .*s as \d/)
  const where = [{ port: port as number }, ...having6({ host: '::1', port: six as number }), { socketPath: path }]
  const statuses = await Promise.all(Array.from({ length: 60 }, async (_, count) => (await ask(where[count % where.length] as { port: number })).status))
  t.same(statuses, statuses.map(() => 200))
  t.equal(statuses.length, 60)
  child.kill('SIGTERM')
  t.match(await child.ended, { status: 0 })
  t.ok(existsSync(path))
})
