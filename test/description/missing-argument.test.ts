import t from 'tap'
import { refusesWith } from './refusal.js'

const tcpTakes = 'tcp takes port, interface, backlog by position or name and reusePort by name'
const tcp6Takes = 'tcp6 takes port, backlog, interface by position or name and ipv6Only by name'
const unixTakes = 'unix takes address, mode, backlog, lockfile by position or name'
const sslTakes = 'ssl takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile by name'
const tlsTakes = 'tls takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile, authorities, anchors, revokedFile, verify, revocationDepth, unknownStatus, expiredCrl, sni, ciphers, alpn, handshakeTimeout, transport by name'

t.test('an argument that must be there and is not is told with an example', (t) => {
  refusesWith(t, [
    ['tcp', 'MISSING_ARGUMENT',
      `tcp: the argument port is missing; ${tcpTakes}, for example tcp:8080:interface=127.0.0.1`, ''],
    ['tcp6', 'MISSING_ARGUMENT',
      `tcp6: the argument port is missing; ${tcp6Takes}, for example tcp6:8080:interface=\\:\\:1`, ''],
    ['unix', 'MISSING_ARGUMENT',
      `unix: the argument address is missing; ${unixTakes}, for example unix:/run/app.sock:mode=660`, ''],
    ['ssl', 'MISSING_ARGUMENT',
      `ssl: the argument port is missing; ${sslTakes}, for example ssl:8443:privateKey=server.key:certKey=server.pem`, ''],
    ['fd', 'MISSING_ARGUMENT',
      'fd: the argument fileno is missing; fd takes fileno by position or name, for example fd:3', ''],
    ['systemd:index=0', 'MISSING_ARGUMENT',
      'systemd: the argument domain is missing; systemd takes domain, index, name by position or name, for example systemd:INET:name=https', ''],
    ['systemd:INET', 'MISSING_ARGUMENT',
      'systemd: the argument index is missing, and so is name: one of them says which descriptor it is; systemd takes domain, index, name by position or name, for example systemd:INET:name=https', ''],
    ['tls:443', 'MISSING_ARGUMENT',
      `tls: the argument privateKey is missing; ${tlsTakes}, for example tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem`, ''],
    ['tls:privateKey=k', 'MISSING_ARGUMENT',
      `tls: the argument port is missing, and so is transport: one of them says where to listen; ${tlsTakes}, for example tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem`, ''],
    ['haproxy:tcp', 'MISSING_ARGUMENT',
      `tcp: the argument port is missing; ${tcpTakes}, for example tcp:8080:interface=127.0.0.1`, 'haproxy:'],
    ['haproxy:tls:privateKey=k:transport=fd', 'MISSING_ARGUMENT',
      'tls: transport "fd": fd: the argument fileno is missing; fd takes fileno by position or name, for example fd:3', 'haproxy:tls:privateKey=k:transport=']
  ])
})
