import t from 'tap'
import { counted, refusesEach } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

t.test('only a stream socket that can listen is accepted', async (t) => {
  if (!hasProgram(t, 'python')) return
  const kinds = ['file', 'pipe', 'datagram', 'sequenced', 'connected', 'pair', 'unbound']
  const notStream = 'is not a stream socket, which HTTP needs (with systemd ListenStream=, not ListenDatagram= or ListenSequentialPacket=)'
  await refusesEach(t, kinds, [
    ['fd:3', 'DESCRIPTOR_INVALID', 'descriptor 3 is a file, not a socket'],
    ['fd:4', 'DESCRIPTOR_INVALID', 'descriptor 4 is a pipe, not a socket'],
    ['fd:5', 'DESCRIPTOR_INVALID', `descriptor 5 ${notStream}`],
    ['fd:6', 'DESCRIPTOR_INVALID', `descriptor 6 ${notStream}`],
    ['fd:7', 'DESCRIPTOR_INVALID', 'descriptor 7 is a connection, not a socket that accepts connections: with systemd write Accept=no, or use stdio to serve one connection'],
    ['fd:8', 'DESCRIPTOR_INVALID', 'descriptor 8 is not a socket that can listen; perhaps it is a connection (listen EINVAL: invalid argument)'],
    ['fd:9', 'DESCRIPTOR_INVALID', 'descriptor 9 is a socket that is not bound to any port'],
    ['fd:2000000000', 'DESCRIPTOR_INVALID', 'descriptor 2000000000 is not open: the program that starts the process must pass it on']
  ], counted)
})
