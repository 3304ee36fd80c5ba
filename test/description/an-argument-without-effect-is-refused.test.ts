import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('an argument that has no effect together with the others is refused', (t) => {
  refusesWith(t, [
    ['tls:443:privateKey=k:verify=required', 'CONFLICTING_ARGUMENTS',
      'tls: verify has no effect without authorities: no client certificate is requested', 'tls:443:privateKey=k:'],
    ['tls:443:privateKey=k:verify=optional', 'CONFLICTING_ARGUMENTS',
      'tls: verify has no effect without authorities: no client certificate is requested', 'tls:443:privateKey=k:'],
    ['tls:443:privateKey=k:anchors=any', 'CONFLICTING_ARGUMENTS',
      'tls: anchors has no effect without authorities: no client certificate is requested', 'tls:443:privateKey=k:'],
    ['tls:443:privateKey=k:revokedFile=r', 'CONFLICTING_ARGUMENTS',
      'tls: revokedFile has no effect without authorities: no client certificate is requested', 'tls:443:privateKey=k:'],
    ['tls:443:privateKey=k:authorities=a:revocationDepth=chain', 'CONFLICTING_ARGUMENTS',
      'tls: revocationDepth has no effect without revokedFile: nothing is revoked', 'tls:443:privateKey=k:authorities=a:'],
    ['tls:443:privateKey=k:authorities=a:unknownStatus=deny', 'CONFLICTING_ARGUMENTS',
      'tls: unknownStatus has no effect without revokedFile: nothing is revoked', 'tls:443:privateKey=k:authorities=a:'],
    ['tls:443:privateKey=k:authorities=a:expiredCrl=deny', 'CONFLICTING_ARGUMENTS',
      'tls: expiredCrl has no effect without revokedFile: nothing is revoked', 'tls:443:privateKey=k:authorities=a:'],
    ['tls:443:privateKey=k:transport=fd\\:3', 'CONFLICTING_ARGUMENTS',
      'tls: port has no effect beside transport, which says where to listen; write a ":" within transport as "\\:"', 'tls:'],
    ['tls:privateKey=k:transport=fd\\:3:interface=127.0.0.1', 'CONFLICTING_ARGUMENTS',
      'tls: interface has no effect beside transport, which says where to listen', 'tls:privateKey=k:transport=fd\\:3:'],
    ['tls:privateKey=k:transport=fd\\:3:backlog=5', 'CONFLICTING_ARGUMENTS',
      'tls: backlog has no effect beside transport, which says where to listen', 'tls:privateKey=k:transport=fd\\:3:'],
    ['tcp6:80:interface=127.0.0.1:ipv6Only=1', 'CONFLICTING_ARGUMENTS',
      'tcp6: ipv6Only has no effect on the IPv4 address 127.0.0.1', 'tcp6:80:interface=127.0.0.1:'],
    ['unix:\0abs:mode=600', 'CONFLICTING_ARGUMENTS',
      'unix: mode has no effect on an abstract address, to which everybody can connect', 'unix:\0abs:'],
    ['unix:\0abs:lockfile=1', 'CONFLICTING_ARGUMENTS',
      'unix: an abstract address has no lock file: write lockfile=0, or remove lockfile', 'unix:\0abs:'],
    ['unix:\0abs:666', 'CONFLICTING_ARGUMENTS',
      'unix: mode has no effect on an abstract address, to which everybody can connect', 'unix:\0abs:'],
    ['haproxy:unix:/a:proxyFrom=10.0.0.0/8', 'CONFLICTING_ARGUMENTS',
      'haproxy: proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect', 'haproxy:unix:/a:'],
    ['haproxy:systemd:UNIX:0:proxyFrom=10.0.0.0/8', 'CONFLICTING_ARGUMENTS',
      'haproxy: proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect', 'haproxy:systemd:UNIX:0:'],
    ['haproxy:tls:privateKey=k:transport=unix\\:/a:proxyFrom=10.0.0.0/8', 'CONFLICTING_ARGUMENTS',
      'haproxy: proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect', 'haproxy:tls:privateKey=k:transport=unix\\:/a:'],
    ['haproxy:tls:privateKey=k:transport=systemd\\:UNIX\\:0:proxyFrom=10.0.0.0/8', 'CONFLICTING_ARGUMENTS',
      'haproxy: proxyFrom has no effect on a unix socket, whose clients have no address: its mode decides who may connect', 'haproxy:tls:privateKey=k:transport=systemd\\:UNIX\\:0:']
  ])
})
