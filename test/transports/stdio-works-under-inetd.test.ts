import { connect } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { compiled, handOver } from '../support/inherited.js'
import { head, Peer } from '../support/peer.js'
import { hasProgram } from '../support/programs.js'

const command = compiled('one-connection')

t.test('under systemd-socket-activate --inetd each connection has its own process, which knows the address of the client', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], ['systemd-socket-activate', '--accept', '--inetd', ...command])
  await child.prints(/Listening on .* as 3/)
  const peers = await Promise.all([1, 2].map(() => Peer.connect(t, port as number)))
  const pids = await Promise.all(peers.map(async (peer) => {
    const first = await peer.get()
    t.match(first, '"ip":"127.0.0.1"')
    const second = await peer.get()
    t.equal(pidIn(second), pidIn(first), 'the connection stays open for the next request')
    return pidIn(first)
  }))
  t.not(pids[0], pids[1])
  const [first, second] = peers as [Peer, Peer]
  first.socket.end()
  await first.closed
  await child.prints(new RegExp(`Child ${pids[0]} died with code 0`))
  second.send(head('/', 'connection: close'))
  await second.closed
  await child.prints(new RegExp(`Child ${pids[1]} died with code 0`))
})

t.test('a client that ends its half of the connection after its request gets the answer', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], ['systemd-socket-activate', '--accept', '--inetd', ...command])
  await child.prints(/Listening on .* as 3/)
  const socket = connect({ port: port as number, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  const peer = new Peer(t, socket)
  socket.end('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n[1]')
  t.match(await peer.closed, '{"length":3}')
  await child.prints(/Child \d+ died with code 0/)
})

t.test('a listening socket is not a connection: without --accept the error says what to write', async (t) => {
  if (!hasProgram(t, 'python') || !hasProgram(t, 'systemd')) return
  const { child, ports: [port] } = await handOver(t, ['tcp'], ['systemd-socket-activate', '--inetd', ...command])
  await child.prints(/Listening on .* as 3/)
  await Peer.connect(t, port as number)
  t.ok(await child.prints(/failed FST_ENDPOINT_STDIO stdio/))
})

function pidIn (answer: string): string | undefined {
  return /"pid":(\d+)/.exec(answer)?.[1]
}
