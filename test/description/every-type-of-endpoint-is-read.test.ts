import t from 'tap'
import { parseEndpoint } from '../../lib/description/index.js'
import type { Endpoint, SslMethod, TlsEndpoint } from '../../types/endpoint.js'

const newest: SslMethod = { versions: ['TLSv1.2', 'TLSv1.3'], options: [] }

const tlsDefaults: Omit<TlsEndpoint, 'type' | 'description' | 'privateKey' | 'certKey'> = {
  interface: '',
  backlog: 50,
  sslmethod: newest,
  anchors: 'self-signed',
  verify: 'none',
  revocationDepth: 'chain',
  unknownStatus: 'allow',
  expiredCrl: 'use',
  alpn: ['http/1.1'],
  handshakeTimeout: 10
}

const rows: Record<string, Endpoint> = {
  'tcp:80':
    { type: 'tcp', description: 'tcp:80', port: 80, interface: '', backlog: 50, reusePort: false },
  'tcp:80:127.0.0.1:6:reusePort=1':
    { type: 'tcp', description: 'tcp:80:127.0.0.1:6:reusePort=1', port: 80, interface: '127.0.0.1', backlog: 6, reusePort: true },
  'reusePort=0:tcp:backlog=6:80':
    { type: 'tcp', description: 'reusePort=0:tcp:backlog=6:80', port: 80, interface: '', backlog: 6, reusePort: false },
  'tcp6:80':
    { type: 'tcp6', description: 'tcp6:80', port: 80, backlog: 50, interface: '::', ipv6Only: false },
  'tcp6:80:6:\\:\\:1:ipv6Only=1':
    { type: 'tcp6', description: 'tcp6:80:6:\\:\\:1:ipv6Only=1', port: 80, backlog: 6, interface: '::1', ipv6Only: true },
  'unix:/run/a.sock':
    { type: 'unix', description: 'unix:/run/a.sock', address: '/run/a.sock', mode: 0o666, backlog: 50, lockfile: true },
  'unix:/run/a.sock:600:6:0':
    { type: 'unix', description: 'unix:/run/a.sock:600:6:0', address: '/run/a.sock', mode: 0o600, backlog: 6, lockfile: false },
  'ssl:443':
    { type: 'ssl', description: 'ssl:443', port: 443, interface: '', backlog: 50, privateKey: 'server.pem', certKey: 'server.pem', sslmethod: newest },
  'ssl:443:k:c:TLSv1_2_METHOD:127.0.0.1:9:e:d:privateKeyPassphraseFile=p':
    {
      type: 'ssl',
      description: 'ssl:443:k:c:TLSv1_2_METHOD:127.0.0.1:9:e:d:privateKeyPassphraseFile=p',
      port: 443,
      interface: '127.0.0.1',
      backlog: 9,
      privateKey: 'k',
      privateKeyPassphraseFile: 'p',
      certKey: 'c',
      sslmethod: { versions: ['TLSv1.2'], options: [] },
      extraCertChain: 'e',
      dhParameters: 'd'
    },
  'tls:443:privateKey=k':
    { ...tlsDefaults, type: 'tls', description: 'tls:443:privateKey=k', port: 443, privateKey: 'k', certKey: 'k' },
  'tls:443:k:c:TLSv1_3_METHOD:127.0.0.1:9:e:d':
    {
      ...tlsDefaults,
      type: 'tls',
      description: 'tls:443:k:c:TLSv1_3_METHOD:127.0.0.1:9:e:d',
      port: 443,
      privateKey: 'k',
      certKey: 'c',
      sslmethod: { versions: ['TLSv1.3'], options: [] },
      interface: '127.0.0.1',
      backlog: 9,
      extraCertChain: 'e',
      dhParameters: 'd'
    },
  'tls:443:privateKey=k:authorities=a':
    { ...tlsDefaults, type: 'tls', description: 'tls:443:privateKey=k:authorities=a', port: 443, privateKey: 'k', certKey: 'k', authorities: 'a', verify: 'required' },
  'tls:443:privateKey=k:privateKeyPassphraseFile=p:authorities=a:anchors=any:revokedFile=r:verify=optional:revocationDepth=leaf:unknownStatus=deny:expiredCrl=deny:sni=s:ciphers=HIGH\\:!aNULL\\:@SECLEVEL=2:alpn=h2+http/1.1:handshakeTimeout=2147483':
    {
      type: 'tls',
      description: 'tls:443:privateKey=k:privateKeyPassphraseFile=p:authorities=a:anchors=any:revokedFile=r:verify=optional:revocationDepth=leaf:unknownStatus=deny:expiredCrl=deny:sni=s:ciphers=HIGH\\:!aNULL\\:@SECLEVEL=2:alpn=h2+http/1.1:handshakeTimeout=2147483',
      port: 443,
      interface: '',
      backlog: 50,
      privateKey: 'k',
      privateKeyPassphraseFile: 'p',
      certKey: 'k',
      sslmethod: newest,
      authorities: 'a',
      anchors: 'any',
      revokedFile: 'r',
      verify: 'optional',
      revocationDepth: 'leaf',
      unknownStatus: 'deny',
      expiredCrl: 'deny',
      sni: 's',
      ciphers: 'HIGH:!aNULL:@SECLEVEL=2',
      alpn: ['h2', 'http/1.1'],
      handshakeTimeout: 2147483
    },
  stdio: { type: 'stdio', description: 'stdio' },
  'stdio:': { type: 'stdio', description: 'stdio:' },
  'systemd:INET:0': { type: 'systemd', description: 'systemd:INET:0', domain: 'INET', index: 0 },
  'systemd:INET6:index=2147483644': { type: 'systemd', description: 'systemd:INET6:index=2147483644', domain: 'INET6', index: 2147483644 },
  'systemd:domain=UNIX:name=a b': { type: 'systemd', description: 'systemd:domain=UNIX:name=a b', domain: 'UNIX', name: 'a b' },
  'fd:3': { type: 'fd', description: 'fd:3', fileno: 3 },
  'fd:fileno=0': { type: 'fd', description: 'fd:fileno=0', fileno: 0 }
}

t.test('every type gives all its values, with defaults, and omits values that are not given', (t) => {
  for (const [text, endpoint] of Object.entries(rows)) t.strictSame(parseEndpoint(text), endpoint, text)
  t.end()
})

t.test('the type is not case-sensitive', (t) => {
  for (const [text, type] of [['TCP:80', 'tcp'], ['Tls:443:k', 'tls'], ['t\\Cp6:80', 'tcp6'], ['HAProxy:UNIX:/a', 'haproxy']] as const) {
    t.equal(parseEndpoint(text).type, type, text)
  }
  t.end()
})

t.test('two descriptions share no state that can change', (t) => {
  const [one, other] = [parseEndpoint('ssl:443'), parseEndpoint('ssl:443')]
  if (one.type !== 'ssl' || other.type !== 'ssl') throw new Error('unreachable')
  one.sslmethod.versions.push('TLSv1')
  one.sslmethod.options.push('SSL_OP_ALL')
  t.strictSame(other.sslmethod, newest)
  t.strictSame(parseEndpoint('ssl:443'), other)
  t.end()
})
