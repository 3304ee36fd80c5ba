import t from 'tap'
import { ask, compiled, handOver } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

/** A service manager in a line: starts the command anew when it has ended well, as the process that the sockets are for. */
const RESTARTING = ['bash', '-c', 'while (export LISTEN_PID=$BASHPID; exec "$0" "$@"); do :; done']

t.test('requests that are sent while it restarts wait, and are all answered by the next process', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], [
    'systemd-socket-activate', '--fdname=web', ...RESTARTING, ...compiled('heir', 'systemd:INET:name=web')
  ])
  await child.prints(/Listening on .* as 3/)
  const where = { port: port as number }
  const { pid } = JSON.parse((await ask(where)).body)
  const slow = ask(where, '/slow')
  await child.prints(/"slow"/)
  process.kill(pid, 'SIGTERM')
  await child.prints(/"closing"/)
  // Nobody accepts these: the old process has stopped to, and lives until its last request is answered.
  const waiting = Array.from({ length: 20 }, () => ask(where))
  process.kill(pid, 'SIGUSR2')
  t.match(await slow, { status: 200, body: JSON.stringify({ pid }) }, 'what was under way is answered by the old process')
  const answers = await Promise.all(waiting)
  t.same(answers.map(({ status }) => status), waiting.map(() => 200))
  const successors = new Set(answers.map(({ body }) => JSON.parse(body).pid))
  t.equal(successors.size, 1)
  t.notOk(successors.has(pid), 'by a new process')
})
