import t from 'tap'
import { refusesWith } from './refusal.js'

t.test('a list of networks that contains anything else is refused', (t) => {
  refusesWith(t, [
    ['haproxy:tcp:80:proxyFrom=', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "" is not an IP address', 'haproxy:tcp:80:proxyFrom='],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/8,', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "" is not an IP address', 'haproxy:tcp:80:proxyFrom=10.0.0.0/8,'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/8, 11.0.0.0/8', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and " 11.0.0.0" is not an IP address', 'haproxy:tcp:80:proxyFrom=10.0.0.0/8,'],
    ['haproxy:tcp:80:proxyFrom=localhost', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "localhost" is not an IP address', 'haproxy:tcp:80:proxyFrom='],
    ['haproxy:tcp:80:proxyFrom=999.168.0.1/8', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "999.168.0.1" is not an IP address', 'haproxy:tcp:80:proxyFrom='],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/33', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of "10.0.0.0/33" is not a number from 0 to 32', 'haproxy:tcp:80:proxyFrom=10.0.0.0/'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/08', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of "10.0.0.0/08" is not a number from 0 to 32', 'haproxy:tcp:80:proxyFrom=10.0.0.0/'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of "10.0.0.0/" is not a number from 0 to 32', 'haproxy:tcp:80:proxyFrom=10.0.0.0/'],
    ['haproxy:tcp:80:proxyFrom=10.0.0.0/8/8', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of "10.0.0.0/8/8" is not a number from 0 to 32', 'haproxy:tcp:80:proxyFrom=10.0.0.0/'],
    ['haproxy:tcp:80:proxyFrom=fd00::/8', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "fd00" is not an IP address', 'haproxy:tcp:80:proxyFrom='],
    ['haproxy:tcp:80:proxyFrom=fd00\\:\\:/129', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and the prefix of "fd00::/129" is not a number from 0 to 128', 'haproxy:tcp:80:proxyFrom=fd00\\:\\:/'],
    ['haproxy:tcp:80:proxyFrom=fe80\\:\\:1%eth0/64', 'INVALID_ARGUMENT',
      'haproxy: proxyFrom must be networks like 10.0.0.0/8,fd00\\:\\:/8, and "fe80::1%eth0" is not an IP address', 'haproxy:tcp:80:proxyFrom=']
  ])
})
