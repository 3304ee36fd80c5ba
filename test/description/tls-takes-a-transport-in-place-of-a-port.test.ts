import t from 'tap'
import { parseEndpoint } from '../../lib/description/index.js'

t.test('tls accepts a quoted description as its transport instead of a port', (t) => {
  const rows = {
    'systemd\\:INET\\:name=https': { type: 'systemd', description: 'systemd:INET:name=https', domain: 'INET', name: 'https' },
    'fd\\:3': { type: 'fd', description: 'fd:3', fileno: 3 },
    'UNIX\\:/run/a\\:mode=600': { type: 'unix', description: 'UNIX:/run/a:mode=600', address: '/run/a', mode: 0o600, backlog: 50, lockfile: true },
    'tcp6\\:8443\\:interface\\=\\\\\\:\\\\\\:1': { type: 'tcp6', description: 'tcp6:8443:interface=\\:\\:1', port: 8443, backlog: 50, interface: '::1', ipv6Only: false }
  }
  for (const [quoted, transport] of Object.entries(rows)) {
    const endpoint = parseEndpoint(`tls:transport=${quoted}:privateKey=k`)
    t.strictSame('transport' in endpoint && endpoint.transport, transport, quoted)
    t.notOk('port' in endpoint, 'there is no port')
  }
  t.end()
})
