import t from 'tap'
import { refusesWith } from './refusal.js'

const tcpTakes = 'tcp takes port, interface, backlog by position or name and reusePort by name'
const tcp6Takes = 'tcp6 takes port, backlog, interface by position or name and ipv6Only by name'
const sslTakes = 'ssl takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile by name'
const tlsTakes = 'tls takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile, authorities, anchors, revokedFile, verify, revocationDepth, unknownStatus, expiredCrl, sni, ciphers, alpn, handshakeTimeout, transport by name'

t.test('an argument that is given twice is refused, and an unescaped colon shown as it should be', (t) => {
  refusesWith(t, [
    ['tcp:80:interface=a:interface=b', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice; ${tcpTakes}`, 'tcp:80:interface=a:'],
    ['tcp:port=80:81', 'REPEATED_ARGUMENT',
      `tcp: the argument port is given twice, once by its position and once by its name; ${tcpTakes}. A ":" within a value is written "\\:": perhaps "port=80\\:81"`, 'tcp:port=80:'],
    ['tcp:80:port=81', 'REPEATED_ARGUMENT',
      `tcp: the argument port is given twice, once by its position and once by its name; ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:interface=::1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${tcpTakes}. A ":" within a value is written "\\:": perhaps "interface=\\:\\:1"`, 'tcp:80:interface=:'],
    ['tcp6:80:interface=fe80::1', 'REPEATED_ARGUMENT',
      `tcp6: the argument interface is given twice, once by its position and once by its name; ${tcp6Takes}. A ":" within a value is written "\\:": perhaps "interface=fe80\\:\\:1"`, 'tcp6:80:interface=fe80::'],
    ['ssl:443:privateKey=c:d.pem', 'REPEATED_ARGUMENT',
      `ssl: the argument privateKey is given twice, once by its position and once by its name; ${sslTakes}. A ":" within a value is written "\\:": perhaps "privateKey=c\\:d.pem"`, 'ssl:443:privateKey=c:'],
    ['tls:443:privateKey=k:certKey=C:\\\\c.pem:ciphers=x', 'REPEATED_ARGUMENT',
      `tls: the argument privateKey is given twice, once by its position and once by its name; ${tlsTakes}. A ":" within a value is written "\\:": perhaps "certKey=C\\:\\\\c.pem"`, 'tls:443:privateKey=k:certKey=C:'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/8:proxyFrom=11.0.0.0/8', 'REPEATED_ARGUMENT',
      'haproxy: the argument proxyFrom is given twice; haproxy takes proxyFrom by name', 'haproxy:tcp:80:proxyFrom=10.0.0.0/8:'],
    ['haproxy:tcp:80:interface=::1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${tcpTakes}. A ":" within a value is written "\\:": perhaps "interface=\\:\\:1"`, 'haproxy:tcp:80:interface=:'],
    ['tls:privateKey=k:transport=tcp6\\:80\\:interface\\=\\:\\:1', 'REPEATED_ARGUMENT',
      `tls: transport "tcp6:80:interface=::1": tcp6: the argument interface is given twice, once by its position and once by its name; ${tcp6Takes}. A ":" within a value is written "\\:": perhaps "interface=\\:\\:1"`, 'tls:privateKey=k:transport=tcp6\\:80\\:interface\\=\\:\\:'],
    ['tcp:80:interface=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:1', 'REPEATED_ARGUMENT',
      `tcp: the argument interface is given twice, once by its position and once by its name; ${tcpTakes}. A ":" within a value is written "\\:"`, 'tcp:80:interface=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:']
  ])
})
