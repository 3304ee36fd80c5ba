import t from 'tap'
import { ask, compiled, handOver } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

if (hasProgram(t, 'python')) {
  t.test('a worker of a cluster listens on the descriptor of its primary', async (t) => {
    const { child, ports: [port] } = await handOver(t, ['tcp'], compiled('cluster', 'fd:3'))
    await child.prints(/listening/)
    const answer = await ask({ port: port as number })
    t.equal(answer.status, 200)
    t.not(JSON.parse(answer.body).pid, child.pid, 'a worker answers')
    child.kill('SIGTERM')
    t.match(await child.ended, { status: 0 })
  })

  t.test('a worker reports a descriptor that the primary cannot listen on', async (t) => {
    const { child } = await handOver(t, ['pair'], compiled('cluster', 'fd:3'))
    t.ok(await child.prints(/"fd:3" cannot be opened: descriptor 3 is not a socket that can listen/))
  })

  t.test('a worker reports that the systemd variables are for the primary, and what to write instead', async (t) => {
    const { child } = await handOver(t, ['tcp'], compiled('cluster', 'systemd:INET:0'))
    t.ok(await child.prints(/LISTEN_PID is "\d+", and this process is \d+: systemd passes its sockets to the primary of a cluster and not to the workers, so give them the type fd, with the number of the primary's descriptor \(index 0 is fd:3\)/))
  })
}
