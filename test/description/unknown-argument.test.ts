import t from 'tap'
import { refusesWith } from './refusal.js'

const tcpTakes = 'tcp takes port, interface, backlog by position or name and reusePort by name'
const unixTakes = 'unix takes address, mode, backlog, lockfile by position or name'
const sslTakes = 'ssl takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile by name'
const tlsTakes = 'tls takes port, privateKey, certKey, sslmethod, interface, backlog, extraCertChain, dhParameters by position or name and privateKeyPassphraseFile, authorities, anchors, revokedFile, verify, revocationDepth, unknownStatus, expiredCrl, sni, ciphers, alpn, handshakeTimeout, transport by name'

t.test('an argument that the type does not have is refused with the nearest that there is', (t) => {
  refusesWith(t, [
    ['tcp:80:bogus=1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "bogus": if the "=" belongs to a value, write "\\=". ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "": if the "=" belongs to a value, write "\\=". ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:Interface=127.0.0.1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "Interface": did you mean interface? ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:interfcae=127.0.0.1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "interfcae": did you mean interface? ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:clé=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "clé": if the "=" belongs to a value, write "\\=". ${tcpTakes}`, 'tcp:80:'],
    ['tcp:80:__proto__=x', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "__proto__": if the "=" belongs to a value, write "\\=". ${tcpTakes}`, 'tcp:80:'],
    ['unix:foo=bar', 'UNKNOWN_ARGUMENT',
      `unix has no argument "foo": if the "=" belongs to a value, write "\\=". ${unixTakes}`, 'unix:'],
    ['unix:/x:wantPID=0', 'UNKNOWN_ARGUMENT',
      `unix has no argument "wantPID": did you mean lockfile? ${unixTakes}`, 'unix:/x:'],
    ['ssl:443:authorities=ca.crt', 'UNKNOWN_ARGUMENT',
      `ssl has no argument "authorities": authorities is an argument of tls. ${sslTakes}`, 'ssl:443:'],
    ['ssl:443:cert=c.pem', 'UNKNOWN_ARGUMENT',
      `ssl has no argument "cert": did you mean certKey? ${sslTakes}`, 'ssl:443:'],
    ['tls:443:privateKey=k:revokeFile=x', 'UNKNOWN_ARGUMENT',
      `tls has no argument "revokeFile": did you mean revokedFile? ${tlsTakes}`, 'tls:443:privateKey=k:'],
    ['tls:443:key=k', 'UNKNOWN_ARGUMENT',
      `tls has no argument "key": did you mean privateKey? ${tlsTakes}`, 'tls:443:'],
    ['stdio:at=all', 'UNKNOWN_ARGUMENT',
      'stdio has no argument "at": if the "=" belongs to a value, write "\\=". stdio takes no arguments', 'stdio:'],
    ['haproxy:tcp:80:proxyfrom=10.0.0.0/8', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "proxyfrom": proxyFrom is an argument of haproxy. ${tcpTakes}`, 'haproxy:tcp:80:'],
    ['tcp:80:ipv6Only=1', 'UNKNOWN_ARGUMENT',
      `tcp has no argument "ipv6Only": ipv6Only is an argument of tcp6. ${tcpTakes}`, 'tcp:80:'],
    ['fd:3:privateKey=k', 'UNKNOWN_ARGUMENT',
      'fd has no argument "privateKey": privateKey is an argument of ssl, tls. fd takes fileno by position or name', 'fd:3:']
  ])
})
