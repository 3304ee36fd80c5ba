import fc from 'fast-check'
import t from 'tap'
import { parseEndpoint, quoteEndpointArgument, tokenizeEndpoint } from '../../lib/description/index.js'
import { refusalOf } from './refusal.js'

/** You can set a higher number for a run by hand. */
const RUNS = Number(process.env['FUZZED_STRINGS'] ?? 4000)

const types = ['tcp', 'tcp6', 'unix', 'ssl', 'tls', 'stdio', 'systemd', 'fd', 'haproxy', 'TLS', 'udp', '']
const names = [
  'port', 'interface', 'backlog', 'reusePort', 'ipv6Only', 'address', 'mode', 'lockfile', 'privateKey',
  'certKey', 'sslmethod', 'extraCertChain', 'dhParameters', 'privateKeyPassphraseFile', 'authorities', 'anchors', 'revokedFile',
  'verify', 'revocationDepth', 'unknownStatus', 'expiredCrl', 'sni', 'ciphers', 'alpn', 'handshakeTimeout', 'transport',
  'domain', 'index', 'name', 'fileno', 'proxyFrom', '__proto__', 'constructor', '', 'revokeFile'
]
const values = [
  '80', '0', '1', '50', '666', '10', '', '-1', 'a.pem', '127.0.0.1', '::1', '[::1]', 'TLSv1_2_METHOD', 'TLS_METHOD+OP_ALL',
  'required', 'optional', 'chain', 'leaf', 'allow', 'deny', 'use', 'self-signed', 'any', 'h2+http/1.1', 'INET', 'UNIX', 'fd:3',
  'unix:/run/a', 'systemd:INET:0', 'tcp6:80', 'tcp:80', '10.0.0.0/8', '\0abstract', 'a\\', '\uD800'
]

const value = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, fc.string({ unit: 'binary' }))
const written = fc.tuple(value, fc.boolean()).map(([text, quoted]) => quoted ? quoteEndpointArgument(text) : text)
const segment = fc.oneof(written, fc.tuple(fc.constantFrom(...names), written).map(([name, text]) => `${name}=${text}`))
const likely = fc.tuple(fc.constantFrom(...types), fc.array(segment, { maxLength: 8 })).map(([type, rest]) => [type, ...rest].join(':'))
const wrapped = likely.map((text) => `haproxy:${text}`)
const quoted = likely.map((text) => `tls:privateKey=k:transport=${quoteEndpointArgument(text)}`)
const shredded = fc.array(fc.constantFrom('\\', ':', '=', '+', ',', '/', '[', ...types, ...names)).map((parts) => parts.join(''))
const anything = fc.oneof(fc.string({ unit: 'binary' }), likely, wrapped, quoted, shredded)

function understand (text: string): void {
  parseEndpoint(text)
}

t.test('any string is either accepted or refused with a coded error on one short line', (t) => {
  let understood = 0
  let refused = 0
  fc.assert(fc.property(anything, (text) => {
    for (const call of [tokenizeEndpoint, understand]) {
      try {
        call(text)
        understood++
      } catch {
        const { message } = refusalOf(() => call(text))
        refused++
        if (/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(message)) throw new Error(`not on one line: ${JSON.stringify(message)}`)
        if (message.length > 2000) throw new Error(`too long: ${message}`)
      }
    }
  }), { numRuns: RUNS })
  t.ok(understood > 1000, 'many were understood')
  t.ok(refused > 1000, 'many were refused')
  t.end()
})

t.test('an error points into the string that was given', (t) => {
  fc.assert(fc.property(anything, (text) => {
    try {
      parseEndpoint(text)
    } catch {
      const { endpoint, index } = refusalOf(() => parseEndpoint(text))
      if (endpoint !== text || index === undefined || index < 0 || index > text.length) throw new Error(`${index} in ${endpoint}`)
    }
  }), { numRuns: RUNS / 2 })
  t.end()
})

t.test('the string form of a description parses to the same description', (t) => {
  fc.assert(fc.property(fc.oneof(likely, wrapped, quoted), (text) => {
    let endpoint
    try {
      endpoint = parseEndpoint(text)
    } catch {
      return
    }
    if (endpoint.description !== text) throw new Error(endpoint.description)
    const inner = endpoint.type === 'haproxy' ? endpoint.wrapped : endpoint.type === 'tls' ? endpoint.transport : undefined
    if (inner !== undefined) t.strictSame(parseEndpoint(inner.description), inner)
  }), { numRuns: RUNS })
  t.end()
})
