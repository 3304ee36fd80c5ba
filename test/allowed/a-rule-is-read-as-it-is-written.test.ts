import t from 'tap'
import { parseRule, type Rule } from '../../lib/allowed/rule.js'

const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`
const OTHER = `sha256//${Buffer.alloc(32, 2).toString('base64')}`

const rows: Array<[description: string, line: string, expected: Partial<Rule>]> = [
  ['a URI in literal form', 'uri:https://Example.org/A%20b?c#d', { kind: 'uri', value: 'https://Example.org/A%20b?c#d', wildcard: 'none' }],
  ['a URI without an authority', 'uri:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', { value: 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6', wildcard: 'none' }],
  ['segments of a path', 'uri:https://example.org/a/*', { value: 'https://example.org/a', wildcard: 'segments' }],
  ['all paths of a host', 'uri:https://example.org/*', { value: 'https://example.org', wildcard: 'segments' }],
  ['a SPIFFE ID', 'uri:spiffe://example.org/ns/shop', { value: 'spiffe://example.org/ns/shop', wildcard: 'none' }],
  ['a whole trust domain', 'uri:spiffe://example.org/*', { value: 'spiffe://example.org', wildcard: 'segments' }],
  ['a host in any case', 'dns:A.Example.ORG', { kind: 'dns', value: 'a.example.org', wildcard: 'none' }],
  ['a host of one label', 'dns:localhost', { value: 'localhost', wildcard: 'none' }],
  ['a label with an underscore', 'dns:_sip.example.org', { value: '_sip.example.org', wildcard: 'none' }],
  ['an A-label', 'dns:xn--bcher-kva.example', { value: 'xn--bcher-kva.example', wildcard: 'none' }],
  ['one label', 'dns:*.Example.org', { value: 'example.org', wildcard: 'label' }],
  ['an email, its host in any case', 'email:Alice@Example.ORG', { kind: 'email', value: 'Alice@example.org', wildcard: 'none' }],
  ['any local part', 'email:*@Example.org', { value: 'example.org', wildcard: 'local' }],
  ['a local part with marks', 'email:"a,b"@example.org', { value: '"a,b"@example.org', wildcard: 'none' }],
  ['an address of IPv4', 'ip:192.0.2.1', { kind: 'ip', value: 'c0000201', wildcard: 'none' }],
  ['the network of one address', 'ip:192.0.2.1/32', { value: 'c0000201', wildcard: 'none' }],
  ['a network of IPv4', 'ip:10.0.0.0/8', { value: '0a000000', wildcard: 8 }],
  ['a network that ends within a byte', 'ip:172.16.0.0/12', { value: 'ac100000', wildcard: 12 }],
  ['all of IPv4', 'ip:0.0.0.0/0', { value: '00000000', wildcard: 0 }],
  ['an address of IPv6 with its zeros left out', 'ip:2001:DB8::1', { value: '20010db8000000000000000000000001', wildcard: 'none' }],
  ['an address of IPv6 with all its groups', 'ip:2001:db8:0:0:0:0:0:1', { value: '20010db8000000000000000000000001', wildcard: 'none' }],
  ['an address of IPv6 that begins with zeros', 'ip:::1', { value: '00000000000000000000000000000001', wildcard: 'none' }],
  ['an address of IPv6 that ends with zeros', 'ip:2001::/16', { value: '20010000000000000000000000000000', wildcard: 16 }],
  ['an address of IPv6 that maps one of IPv4', 'ip:::ffff:192.0.2.1', { value: '00000000000000000000ffffc0000201', wildcard: 'none' }],
  ['all of IPv6', 'ip:::/0', { value: '0'.repeat(32), wildcard: 0 }],
  ['the network of one address of IPv6', 'ip:::1/128', { value: '00000000000000000000000000000001', wildcard: 'none' }],
  ['a commonName', 'cn:alice', { kind: 'cn', value: 'alice', wildcard: 'none' }],
  ['a commonName with spaces, percent signs and letters beyond ASCII', 'cn:100%25%20Z%C3%BCrich%20ü', { value: '100% Zürich ü' }],
  ['a commonName that looks like another kind', 'cn:dns:example.org', { value: 'dns:example.org' }],
  ['a commonName that holds an equals sign', 'cn:role=admin', { value: 'role=admin', roles: [] }],
  ['a certificate', `tbs:${HASH}`, { kind: 'tbs', value: HASH, wildcard: 'none' }],
  ['a key', `spki:${HASH}`, { kind: 'spki', value: HASH, wildcard: 'none' }],
  ['no issuer and no roles', 'cn:alice', { issuer: undefined, roles: [], line: 7 }],
  ['an issuer', `cn:alice issuer=${OTHER}`, { issuer: OTHER, roles: [] }],
  ['roles in their order', 'cn:alice role=b,a.1,C_-', { roles: ['b', 'a.1', 'C_-'] }],
  ['a role that is given twice in a line', 'cn:alice role=a,b,a', { roles: ['a', 'b'] }],
  ['fields in any order, between any spaces and tabs', `cn:alice \t role=a\t\tissuer=${OTHER}`, { issuer: OTHER, roles: ['a'] }],
  ['as many roles as there may be', `cn:alice role=${Array.from({ length: 64 }, (_, at) => `r${at}`).join(',')}`, { value: 'alice' }]
]

t.test('a rule of each kind is read with each of its fields', async (t) => {
  for (const [description, line, expected] of rows) t.match(parseRule(line, 7), expected, description)
})
