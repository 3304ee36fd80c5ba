import t from 'tap'
import { refusesWith, takes } from './refusal.js'

t.test('a missing argument is named with an example', (t) => {
  refusesWith(t, [
    ['tcp', 'MISSING_ARGUMENT',
      `tcp: the argument port is missing; ${takes('tcp')}, for example tcp:8080:interface=127.0.0.1`, ''],
    ['tcp6', 'MISSING_ARGUMENT',
      `tcp6: the argument port is missing; ${takes('tcp6')}, for example tcp6:8080:interface=\\:\\:1`, ''],
    ['unix', 'MISSING_ARGUMENT',
      `unix: the argument address is missing; ${takes('unix')}, for example unix:/run/app.sock:mode=660`, ''],
    ['ssl', 'MISSING_ARGUMENT',
      `ssl: the argument port is missing; ${takes('ssl')}, for example ssl:8443:privateKey=server.key:certKey=server.pem`, ''],
    ['fd', 'MISSING_ARGUMENT',
      `fd: the argument fileno is missing; ${takes('fd')}, for example fd:3`, ''],
    ['systemd:index=0', 'MISSING_ARGUMENT',
      `systemd: the argument domain is missing; ${takes('systemd')}, for example systemd:INET:name=https`, ''],
    ['systemd:INET', 'MISSING_ARGUMENT',
      `systemd: the argument index is missing, and so is name: one of them must select the descriptor; ${takes('systemd')}, for example systemd:INET:name=https`, ''],
    ['tls:443', 'MISSING_ARGUMENT',
      `tls: the argument privateKey is missing; ${takes('tls')}, for example tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem`, ''],
    ['tls:privateKey=k', 'MISSING_ARGUMENT',
      `tls: the argument port is missing, and so is transport: one of them must say where to listen; ${takes('tls')}, for example tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem`, ''],
    ['haproxy:tcp', 'MISSING_ARGUMENT',
      `tcp: the argument port is missing; ${takes('tcp')}, for example tcp:8080:interface=127.0.0.1`, 'haproxy:'],
    ['haproxy:tls:privateKey=k:transport=fd', 'MISSING_ARGUMENT',
      `tls: transport "fd": fd: the argument fileno is missing; ${takes('fd')}, for example fd:3`, 'haproxy:tls:privateKey=k:transport=']
  ])
})
