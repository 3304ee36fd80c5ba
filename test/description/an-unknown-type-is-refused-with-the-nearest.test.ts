import t from 'tap'
import { refusesWith } from './refusal.js'

const types = 'The types are tcp, tcp6, unix, ssl, tls, stdio, systemd, fd, haproxy'

t.test('a string with an unknown type is refused, and the error suggests a type', (t) => {
  refusesWith(t, [
    ['', 'UNKNOWN_TYPE',
      `The endpoint is empty: write for example tcp:8080:interface=127.0.0.1. ${types}`, ''],
    ['::', 'UNKNOWN_TYPE',
      `The type is empty: write for example tcp:8080:interface=127.0.0.1. ${types}`, ''],
    ['a=b', 'UNKNOWN_TYPE',
      `There is no type, only keywords: write for example tcp:8080:interface=127.0.0.1. ${types}`, ''],
    ['interface=127.0.0.1:udp:80', 'UNKNOWN_TYPE',
      `There is no type "udp". ${types}`, 'interface=127.0.0.1:'],
    ['tpc:80', 'UNKNOWN_TYPE',
      `There is no type "tpc": did you mean tcp? ${types}`, ''],
    [' tcp:80', 'UNKNOWN_TYPE',
      `There is no type " tcp": did you mean tcp? ${types}`, ''],
    ['80', 'UNKNOWN_TYPE',
      `There is no type "80": for a port write tcp:80. ${types}`, ''],
    ['123456', 'UNKNOWN_TYPE',
      `There is no type "123456". ${types}`, ''],
    ['http://localhost:80', 'UNKNOWN_TYPE',
      `There is no type "http": an endpoint is not a URL; write for example tcp:8080:interface=127.0.0.1. ${types}`, ''],
    ['HTTPS://localhost', 'UNKNOWN_TYPE',
      `There is no type "HTTPS": an endpoint is not a URL; write for example tls:8443:privateKey=server.key:certKey=server.pem:authorities=clients-ca.pem. ${types}`, ''],
    ['/run/app.sock', 'UNKNOWN_TYPE',
      `There is no type "/run/app.sock": for a unix socket write for example unix:/run/app.sock:mode=660. ${types}`, ''],
    ['./app.sock', 'UNKNOWN_TYPE',
      `There is no type "./app.sock": for a unix socket write for example unix:/run/app.sock:mode=660. ${types}`, ''],
    ['haproxy', 'UNKNOWN_TYPE',
      'haproxy: it wraps another endpoint, which is missing: write for example haproxy:tcp:8080', ''],
    ['haproxy:', 'UNKNOWN_TYPE',
      'The type is empty: write for example tcp:8080:interface=127.0.0.1. The types are tcp, tcp6, unix, ssl, tls, systemd, fd', 'haproxy:'],
    ['haproxy:port=80', 'UNKNOWN_TYPE',
      'haproxy: it wraps another endpoint, which is missing: write for example haproxy:tcp:8080', ''],
    ['haproxy:80', 'UNKNOWN_TYPE',
      'There is no type "80": for a port write tcp:80. The types are tcp, tcp6, unix, ssl, tls, systemd, fd', 'haproxy:'],
    ['haproxy:tpc:80', 'UNKNOWN_TYPE',
      'There is no type "tpc": did you mean tcp? The types are tcp, tcp6, unix, ssl, tls, systemd, fd', 'haproxy:'],
    ['tls:privateKey=k:transport=syst\\:0', 'UNKNOWN_TYPE',
      'tls: transport "syst:0": There is no type "syst". The types are systemd, fd, unix, tcp6', 'tls:privateKey=k:transport='],
    ['tls:privateKey=k:transport=a\\=b', 'UNKNOWN_TYPE',
      'tls: transport "a=b": There is no type, only keywords: write for example systemd:INET:name=https. The types are systemd, fd, unix, tcp6', 'tls:privateKey=k:transport='],
    ['tls:privateKey=k:transport=80', 'UNKNOWN_TYPE',
      'tls: transport "80": There is no type "80". The types are systemd, fd, unix, tcp6', 'tls:privateKey=k:transport=']
  ])
})
