import t from 'tap'
import { parseEndpoint } from '../../lib/description/index.js'

t.test('haproxy wraps the rest of the string after its own arguments', (t) => {
  t.strictSame(parseEndpoint('haproxy:unix:address=a=b'), {
    type: 'haproxy',
    description: 'haproxy:unix:address=a=b',
    wrapped: { type: 'unix', description: 'unix:address=a=b', address: 'a=b', mode: 0o666, backlog: 50, lockfile: true }
  })
  t.strictSame(parseEndpoint('port=80:haproxy:proxyFrom=10.0.0.0/8:tcp:interface=\\:\\:1'), {
    type: 'haproxy',
    description: 'port=80:haproxy:proxyFrom=10.0.0.0/8:tcp:interface=\\:\\:1',
    proxyFrom: ['10.0.0.0/8'],
    wrapped: { type: 'tcp', description: 'port=80:tcp:interface=\\:\\:1', port: 80, interface: '::1', backlog: 50, reusePort: false }
  })
  t.end()
})

t.test('haproxy wraps every type that a proxy can connect to', (t) => {
  for (const [text, type] of [
    ['tcp:80', 'tcp'], ['tcp6:80', 'tcp6'], ['ssl:443', 'ssl'], ['tls:443:k', 'tls'], ['unix:/a', 'unix'], ['systemd:INET:0', 'systemd'], ['fd:3', 'fd']
  ] as const) {
    t.match(parseEndpoint(`haproxy:${text}`), { type: 'haproxy', wrapped: { type } }, text)
  }
  t.end()
})

t.test('proxyFrom is a list of networks without repeats, where one address is a network too', (t) => {
  const endpoint = parseEndpoint('haproxy:tls:443:k:proxyFrom=10.0.0.0/8,192.168.1.5,fd00\\:\\:/8,\\:\\:1,10.0.0.0/8,0.0.0.0/0,\\:\\:/0')
  t.match(endpoint, { proxyFrom: ['10.0.0.0/8', '192.168.1.5/32', 'fd00::/8', '::1/128', '0.0.0.0/0', '::/0'] })
  t.end()
})

t.test('proxyFrom is allowed with every socket whose clients have an address', (t) => {
  for (const text of ['tcp:80', 'tcp6:80', 'ssl:443', 'tls:443:k', 'fd:3', 'systemd:INET:0', 'systemd:INET6:0', 'tls:privateKey=k:transport=fd\\:3', 'tls:privateKey=k:transport=systemd\\:INET\\:0']) {
    t.match(parseEndpoint(`haproxy:${text}:proxyFrom=10.0.0.0/8`), { proxyFrom: ['10.0.0.0/8'] }, text)
  }
  t.end()
})
