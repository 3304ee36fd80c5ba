import t from 'tap'
import { parseEndpoint, refuseNotYet } from '../../lib/description/index.js'
import { refusalOf } from './refusal.js'

t.test('what this version cannot do yet is refused with what to write instead', (t) => {
  const rows: Array<[text: string, argument: string | undefined, message: string]> = [
    ['tls:443:k:sni=s', 'sni', 'The argument sni of tls is not supported yet: give one certificate for all names with certKey']
  ]
  for (const [text, argument, message] of rows) {
    const endpoint = parseEndpoint(text)
    const error = refusalOf(() => refuseNotYet(endpoint))
    t.equal(error.code, 'FST_ENDPOINT_NOT_YET', text)
    t.equal(error.message, message)
    t.equal(error.endpoint, text)
    t.equal(error.argument, argument)
  }
  t.end()
})

t.test('what this version can do is let through', (t) => {
  for (const text of [
    'tcp:80:reusePort=1', 'tcp6:80:ipv6Only=1', 'unix:/a', 'systemd:INET:0', 'fd:3', 'stdio', 'tls:privateKey=k:transport=fd\\:3', 'tls:privateKey=k:transport=unix\\:/a', 'tls:privateKey=k:transport=tcp6\\:443', 'ssl:443:privateKeyPassphraseFile=p',
    'tls:443:k:c:TLSv1_1_METHOD+OP_NO_TICKET:127.0.0.1:9:e:d:ciphers=HIGH:alpn=http/1.1:handshakeTimeout=1',
    'haproxy:tcp:80', 'haproxy:unix:/a', 'haproxy:systemd:INET:0', 'haproxy:tls:443:k:proxyFrom=10.0.0.0/8', 'haproxy:tls:privateKey=k:transport=unix\\:/a',
    'tls:443:k:authorities=a:revokedFile=r:verify=optional:revocationDepth=leaf:unknownStatus=deny:expiredCrl=deny'
  ]) {
    t.equal(refuseNotYet(parseEndpoint(text)), undefined, text)
  }
  t.end()
})
