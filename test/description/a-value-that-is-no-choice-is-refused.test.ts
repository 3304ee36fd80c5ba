import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('a value that is not one of the choices is refused, and so is a choice in another case', (t) => {
  refusesWith(t, [
    ['unix:/a:lockfile=-1', 'INVALID_ARGUMENT',
      'unix: lockfile must be 0 or 1, not "-1"', 'unix:/a:lockfile='],
    ['unix:/a:lockfile=true', 'INVALID_ARGUMENT',
      'unix: lockfile must be 0 or 1, not "true"', 'unix:/a:lockfile='],
    ['unix:/a:lockfile=', 'INVALID_ARGUMENT',
      'unix: lockfile must be 0 or 1, not ""', 'unix:/a:lockfile='],
    ['tcp:80:reusePort=yes', 'INVALID_ARGUMENT',
      'tcp: reusePort must be 0 or 1, not "yes"', 'tcp:80:reusePort='],
    ['tcp6:80:ipv6Only=2', 'INVALID_ARGUMENT',
      'tcp6: ipv6Only must be 0 or 1, not "2"', 'tcp6:80:ipv6Only='],
    ['tls:443:privateKey=k:authorities=a:anchors=Any', 'INVALID_ARGUMENT',
      'tls: anchors must be self-signed or any, not "Any"', 'tls:443:privateKey=k:authorities=a:anchors='],
    ['tls:443:privateKey=k:authorities=a:verify=none', 'INVALID_ARGUMENT',
      'tls: verify must be required or optional, not "none"', 'tls:443:privateKey=k:authorities=a:verify='],
    ['tls:443:privateKey=k:authorities=a:verify=Required', 'INVALID_ARGUMENT',
      'tls: verify must be required or optional, not "Required"', 'tls:443:privateKey=k:authorities=a:verify='],
    ['tls:443:privateKey=k:authorities=a:revokedFile=r:revocationDepth=all', 'INVALID_ARGUMENT',
      'tls: revocationDepth must be chain or leaf, not "all"', 'tls:443:privateKey=k:authorities=a:revokedFile=r:revocationDepth='],
    ['tls:443:privateKey=k:authorities=a:revokedFile=r:unknownStatus=refuse', 'INVALID_ARGUMENT',
      'tls: unknownStatus must be allow or deny, not "refuse"', 'tls:443:privateKey=k:authorities=a:revokedFile=r:unknownStatus='],
    ['tls:443:privateKey=k:authorities=a:revokedFile=r:expiredCrl=allow', 'INVALID_ARGUMENT',
      'tls: expiredCrl must be use or deny, not "allow"', 'tls:443:privateKey=k:authorities=a:revokedFile=r:expiredCrl='],
    ['tls:443:privateKey=k:alpn=h2', 'INVALID_ARGUMENT',
      'tls: alpn must be http/1.1 or h2+http/1.1, not "h2"', 'tls:443:privateKey=k:alpn='],
    ['tls:443:privateKey=k:alpn=', 'INVALID_ARGUMENT',
      'tls: alpn must be http/1.1 or h2+http/1.1, not ""', 'tls:443:privateKey=k:alpn='],
    ['systemd:inet:0', 'INVALID_ARGUMENT',
      'systemd: domain must be INET, INET6 or UNIX, not "inet"', 'systemd:'],
    ['systemd:BOGUS:index=0', 'INVALID_ARGUMENT',
      'systemd: domain must be INET, INET6 or UNIX, not "BOGUS"', 'systemd:']
  ])
})
