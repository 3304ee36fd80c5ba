import t from 'tap'
import { ask, compiled, handOver } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

/** A service manager in one line: it restarts the command after each successful exit, with LISTEN_PID set for it. */
const RESTARTING = ['bash', '-c', 'while (export LISTEN_PID=$BASHPID; exec "$0" "$@"); do :; done']

const RESTARTS = 5
/** Each process must have answered before it gets the signal to end. */
const REQUESTS = 200

t.test('requests that arrive during a restart wait, and the next process answers all of them', async (t) => {
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
  // These wait in the backlog: the old process no longer accepts connections, but still answers its last request.
  const waiting = Array.from({ length: 20 }, () => ask(where))
  process.kill(pid, 'SIGUSR2')
  t.match(await slow, { status: 200, body: JSON.stringify({ pid }) }, 'pending requests are answered by the old process')
  const answers = await Promise.all(waiting)
  t.same(answers.map(({ status }) => status), waiting.map(() => 200))
  const successors = new Set(answers.map(({ body }) => JSON.parse(body).pid))
  t.equal(successors.size, 1)
  t.notOk(successors.has(pid), 'by a new process')
})

t.test('clients that never pause lose no request while the service restarts again and again', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], [
    'systemd-socket-activate', '--fdname=web', ...RESTARTING, ...compiled('heir', 'systemd:INET:name=web')
  ])
  await child.prints(/Listening on .* as 3/)
  const answers = new Map<number, number>()
  const client = async (): Promise<void> => {
    while (answers.size <= RESTARTS) {
      const { status, body } = await ask({ port: port as number })
      if (status !== 200) throw new Error(`answered ${status}: ${body}`)
      const { pid } = JSON.parse(body)
      const count = (answers.get(pid) ?? 0) + 1
      answers.set(pid, count)
      if (count === REQUESTS && answers.size <= RESTARTS) process.kill(pid, 'SIGTERM')
    }
  }
  const outcomes = await Promise.allSettled(Array.from({ length: 16 }, client))
  t.same(outcomes.filter(({ status }) => status === 'rejected'), [])
  t.ok([...answers.values()].slice(0, RESTARTS).every((count) => count >= REQUESTS))
})
