import t from 'tap'
import { counted, refusesEach, tryEach } from '../support/inherited.js'
import { hasProgram } from '../support/programs.js'

if (hasProgram(t, 'python')) {
  t.test('an endpoint cannot open a socket that systemd has not passed', (t) => refusesEach(t, ['LISTEN_FDNAMES=web:web:web:other', 'tcp', 'tcp', 'datagram', 'datagram'], [
    ['systemd:INET:4', 'SYSTEMD', 'there are 4 descriptors, numbered from 0', 'index'],
    ['systemd:INET:name=app', 'SYSTEMD', 'no descriptor is named app; the names are "web, web, web, other"', 'name'],
    ['systemd:INET:name=web', 'SYSTEMD', 'several descriptors of the domain INET are named web: select each by its index', 'name'],
    ['systemd:INET6:name=web', 'SYSTEMD', 'descriptor 3 is of the domain INET, not INET6', 'domain'],
    ['systemd:UNIX:index=1', 'SYSTEMD', 'descriptor 4 is of the domain INET, not UNIX', 'domain'],
    ['systemd:INET:name=other', 'DESCRIPTOR_INVALID', 'descriptor 6 is not a stream socket, which HTTP needs (with systemd ListenStream=, not ListenDatagram= or ListenSequentialPacket=)']
  ], counted))

  t.test('without a socket unit the error says what to start', (t) => refusesEach(t, ['LISTEN_PID=', 'LISTEN_FDS='], [
    ['systemd:INET:0', 'SYSTEMD', 'systemd passed no socket (LISTEN_PID and LISTEN_FDS are not set): start the service through a socket unit that is enabled and has the name of the service']
  ]))

  t.test('sockets that systemd passed to another process are refused', (t) => refusesEach(t, ['LISTEN_PID=1', 'tcp'], [
    ['systemd:INET:0', 'SYSTEMD', /LISTEN_PID is "1", and this process is \d+: the sockets are for another process. Let ExecStart= start node directly, not through npm or a shell$/],
    ['systemd:INET:0', 'SYSTEMD', /LISTEN_PID is "1"/]
  ]))

  t.test('an endpoint cannot find a socket by name if systemd passed no names', (t) => refusesEach(t, ['tcp'], [
    ['systemd:INET:name=web', 'SYSTEMD', 'the descriptors have no names (LISTEN_FDNAMES is not set): write FileDescriptorName= into the socket unit, or use index', 'name']
  ]))

  t.test('a different number of names and descriptors is an error', (t) => refusesEach(t, ['LISTEN_FDNAMES=web', 'tcp', 'tcp'], [
    ['systemd:INET:name=web', 'SYSTEMD', 'LISTEN_FDNAMES has 1 names for 2 descriptors', 'name']
  ]))

  t.test('a number of descriptors that is not a number is an error', (t) => refusesEach(t, ['LISTEN_FDS=1e1', 'tcp'], [
    ['systemd:INET:0', 'SYSTEMD', 'LISTEN_FDS is not a number of descriptors']
  ]))

  t.test('after an error, the right socket can still be opened', async (t) => {
    t.match(await tryEach(t, ['LISTEN_FDNAMES=web:web', 'datagram', 'tcp'], ['systemd:UNIX:name=web', 'systemd:INET:name=web', 'systemd:INET:1']), [
      { code: 'FST_ENDPOINT_SYSTEMD' },
      { listening: 'systemd:INET:name=web' },
      { code: 'FST_ENDPOINT_DESCRIPTOR_TAKEN', endpoint: 'systemd:INET:1', message: 'another endpoint has used descriptor 4, and only one can listen on it' }
    ])
  })
}
