import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { unwrap } from '../../lib/description/index.js'
import { endpointLabel } from '../../lib/metrics/labels.js'

for (const [description, label] of [
  ['tcp:8080', 'tcp:8080'],
  ['tcp:8080:interface=127.0.0.1:backlog=9', 'tcp:8080:interface=127.0.0.1'],
  ['tcp6:8080:interface=\\:\\:1', 'tcp6:8080:interface=\\:\\:1'],
  ['tcp6:8080', 'tcp6:8080'],
  ['unix:/run/a\\:b.sock:mode=600', 'unix:/run/a\\:b.sock'],
  ['ssl:8443:server.key', 'ssl:8443'],
  ['tls:8443:server.key:server.pem:authorities=ca.pem', 'tls:8443'],
  ['tls:transport=systemd\\:INET\\:name\\=https:privateKey=server.key', 'tls:transport=systemd\\:INET\\:name\\=https'],
  ['systemd:UNIX:1', 'systemd:UNIX:1'],
  ['fd:3', 'fd:3'],
  ['stdio', 'stdio'],
  ['haproxy:tls:8443:server.key', 'haproxy:tls:8443'],
  [`tcp:1:interface=${'a.'.repeat(100)}example`, `tcp:1:interface=${'a.'.repeat(52)}…`]
] as const) {
  t.test(`${description.slice(0, 80)} is ${label.slice(0, 80)}`, async (t) => {
    const parsed = parseEndpoint(description)
    t.equal(endpointLabel(unwrap(parsed), parsed.type === 'haproxy'), label)
  })
}

t.test('invisible characters of a label are escaped', async (t) => {
  t.equal(endpointLabel(unwrap(parseEndpoint('unix:\0abstract\u202e')), false), 'unix:<U+0000>abstract<U+202E>')
})
