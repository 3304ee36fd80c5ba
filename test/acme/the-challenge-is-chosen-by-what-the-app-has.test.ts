import t from 'tap'
import { challengeTypes, warningsOfPorts } from '../../lib/acme/challenge-types.js'
import { parseEndpoint, type TlsEndpoint } from '../../lib/index.js'
import { unwrap } from '../../lib/description/index.js'

const REST = ':acme=example.org:acmeStore=s:acmeTerms=agreed'

t.test('tls-alpn-01 comes first, unless only a plain endpoint has the right port', (t) => {
  for (const [string, others, types, warning] of [
    [`tls:443${REST}`, [], ['tls-alpn-01'], undefined],
    [`tls:443${REST}`, ['tcp:80'], ['tls-alpn-01', 'http-01'], undefined],
    [`tls:8443${REST}`, [], ['tls-alpn-01'], /connect to port 443, but this endpoint is on port 8443/],
    [`tls:8443${REST}`, ['tcp:80'], ['http-01', 'tls-alpn-01'], undefined],
    [`tls:8443${REST}`, ['tcp6:8080'], ['tls-alpn-01', 'http-01'], /port 443/],
    [`tls:8443${REST}`, ['systemd:INET:name=http'], ['http-01', 'tls-alpn-01'], undefined],
    [`tls:0${REST}`, ['tcp:80'], ['tls-alpn-01', 'http-01'], undefined],
    [`tls:transport=fd\\:3${REST}`, ['stdio'], ['tls-alpn-01'], undefined],
    [`haproxy:tls:443${REST}`, ['haproxy:tcp:80', 'ssl:444'], ['tls-alpn-01', 'http-01'], undefined],
    [`tls:443${REST}:acmeChallenge=http-01`, ['tcp:8080'], ['http-01'], /connect to port 80, but the app has plain endpoints on port 8080/],
    [`tls:443${REST}:acmeChallenge=tls-alpn-01`, ['tcp:80'], ['tls-alpn-01'], undefined]
  ] as Array<[string, string[], string[], RegExp | undefined]>) {
    const endpoints = [string, ...others].map((text) => unwrap(parseEndpoint(text)))
    const [endpoint] = endpoints as [TlsEndpoint]
    t.same(challengeTypes(endpoint, endpoints), types, [string, ...others].join(' '))
    const warnings = warningsOfPorts(endpoint, endpoints)
    warning === undefined ? t.same(warnings, []) : t.match(warnings, [warning])
  }
  const alone = parseEndpoint(`tls:443${REST}:acmeChallenge=http-01`) as TlsEndpoint
  t.throws(() => challengeTypes(alone, [alone]), { code: 'FST_ENDPOINT_ACME_CHALLENGE', argument: 'acmeChallenge' })
  t.end()
})
