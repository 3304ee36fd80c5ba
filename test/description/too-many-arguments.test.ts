import t from 'tap'
import { refusesWith } from './refusal.js'

const tcpTakes = 'tcp takes port, interface, backlog by position or name and reusePort by name'
const unixTakes = 'unix takes address, mode, backlog, lockfile by position or name'
const tlsTakes = 'tls takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile, authorities, anchors, revokedFile, verify, revocationDepth, unknownStatus, expiredCrl, sni, ciphers, alpn, handshakeTimeout, transport by name'

t.test('a positional argument that the type has no place for is refused', (t) => {
  refusesWith(t, [
    ['tcp:80:127.0.0.1:50:1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${tcpTakes}. A ":" within a value is written "\\:"`, 'tcp:80:127.0.0.1:50:'],
    ['tcp:80:::1', 'TOO_MANY_ARGUMENTS',
      `tcp: "1" is one positional argument too many; ${tcpTakes}. A ":" within a value is written "\\:"`, 'tcp:80:::'],
    ['unix:/a:666:50:1:x', 'TOO_MANY_ARGUMENTS',
      `unix: "x" is one positional argument too many; ${unixTakes}. A ":" within a value is written "\\:"`, 'unix:/a:666:50:1:'],
    ['stdio:x', 'TOO_MANY_ARGUMENTS',
      'stdio: "x" is one positional argument too many; stdio takes no arguments. A ":" within a value is written "\\:"', 'stdio:'],
    ['stdio::', 'TOO_MANY_ARGUMENTS',
      'stdio: "" is one positional argument too many; stdio takes no arguments. A ":" within a value is written "\\:"', 'stdio:'],
    ['fd:3:4', 'TOO_MANY_ARGUMENTS',
      'fd: "4" is one positional argument too many; fd takes fileno by position or name. A ":" within a value is written "\\:"', 'fd:3:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ca.pem', 'TOO_MANY_ARGUMENTS',
      `tls: "ca.pem" is one positional argument too many; ${tlsTakes}. A ":" within a value is written "\\:"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:'],
    ['tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:B', 'TOO_MANY_ARGUMENTS',
      `tls: "B" is one positional argument too many; ${tlsTakes}. A ":" within a value is written "\\:": perhaps "ciphers=A\\:B"`, 'tls:443:k:c:TLS_METHOD:0.0.0.0:50:e:d:ciphers=A:']
  ])
})
