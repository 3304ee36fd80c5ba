import t from 'tap'
import { RouteDemand, RouteDemands } from '../../lib/allowed/route-demand.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { issue } from '../support/allowed.js'
import type { ClientIdentity } from '../../types/client-identity.js'

const ROUTE = { method: 'GET', url: '/orders' }
const NOBODY: ClientIdentity = Object.freeze({ commonName: undefined, dns: [], uris: [], emails: [], ips: [], spiffeId: undefined, roles: [] })
const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`

function problemOf (value: unknown): string {
  try {
    RouteDemand.of(value, ROUTE)
  } catch (thrown) {
    const { code, message } = thrown as Error & { code: string }
    if (code === 'FST_ENDPOINT_INVALID_ROUTE') return message.replace('config.endpoint of the route GET "/orders" ', '')
    throw thrown
  }
  return ''
}

t.test('a wrong restriction is an error that says what to write', async (t) => {
  for (const [value, problem] of [
    ['required', /^must be an object: write \{ clientCertificate: 'required' \} or \{ allow: \['role:admin'\] \}$/],
    [null, /^must be an object/],
    [{}, /^must not be empty: write \{ clientCertificate/],
    [[], /^must not be empty/],
    [{ clientCertificate: true }, /^must have 'required' as clientCertificate/],
    [{ clientCertificate: 'require' }, /^must have 'required' as clientCertificate/],
    [{ alow: ['role:admin'] }, /^has a member "alow" that does not exist; did you mean allow\?$/],
    [{ allow: ['role:admin'], deny: [] }, /^has a member "deny" that does not exist$/],
    [{ allow: ['role:admin'], clientCertificate: 'required' }, /^must have clientCertificate or allow, not both: allow requires a certificate too$/],
    [{ allow: [] }, /^must have a list of at least one string as allow/],
    [{ allow: 'role:admin' }, /^must have a list of at least one string as allow/],
    [{ allow: ['role:admin', 1] }, /^must have a list of at least one string as allow/],
    [{ allow: ['role:'] }, /^has "role:" in allow: a role has 1 to 64 characters/],
    [{ allow: ['role:a,b'] }, /^has "role:a,b" in allow: a role has/],
    [{ allow: ['role:a\n'] }, /in allow: a role has/],
    [{ allow: ['Role:admin'] }, /^has "Role:admin" in allow: a rule begins with one of/],
    [{ allow: ['admin'] }, /^has "admin" in allow: a rule begins with one of/],
    [{ allow: [''] }, /^has "" in allow: a rule begins/],
    [{ allow: ['dns:*'] }, /^has "dns:\*" in allow: /],
    [{ allow: ['ip:10.0.0.1/16'] }, /^has "ip:10\.0\.0\.1\/16" in allow: /],
    [{ allow: ['cn:a b'] }, /a pattern in a route has neither issuer= nor role=; write a space in it as %20$/],
    [{ allow: [`cn:a issuer=${HASH}`] }, /a pattern in a route has neither issuer= nor role=/],
    [{ allow: ['cn:a', 'cn:'] }, /^has "cn:" in allow: write a pattern after cn:/]
  ] as const) {
    t.match(problemOf(value), problem, JSON.stringify(value))
  }
  t.throws(() => RouteDemand.of({}, { method: ['GET', 'PUT'], url: '/a\n' }), { message: /^config\.endpoint of the route GET, PUT "\/a<U\+000A>" must not be empty/ })
})

t.test('each pattern admits the clients that the same rule of a list admits', async (t) => {
  const { x509, der } = await issue({
    name: 'alice',
    dnsNames: ['a.example.org'],
    uris: ['spiffe://example.org/ns/shop/a'],
    emails: ['Alice@example.org'],
    ipAddresses: ['192.0.2.1']
  })
  const { tbs, spki } = identifyCertificate(der)
  const identity: ClientIdentity = {
    commonName: 'alice',
    dns: ['a.example.org'],
    uris: ['spiffe://example.org/ns/shop/a'],
    emails: ['Alice@example.org'],
    ips: ['192.0.2.1'],
    spiffeId: 'spiffe://example.org/ns/shop/a',
    roles: ['reader', 'writer']
  }
  for (const [pattern, expected] of [
    ['cn:alice', true], ['cn:Alice', false],
    ['dns:a.example.org', true], ['dns:*.example.org', true], ['dns:*.org', false],
    ['uri:spiffe://example.org/ns/shop/a', true], ['uri:spiffe://example.org/ns/*', true], ['uri:spiffe://example.org/ns/shop', false],
    ['email:Alice@EXAMPLE.org', true], ['email:alice@example.org', false], ['email:*@example.org', true],
    ['ip:192.0.2.1', true], ['ip:192.0.2.0/24', true], ['ip:192.0.3.0/24', false],
    [`tbs:${tbs}`, true], [`tbs:${HASH}`, false], [`spki:${spki}`, true],
    ['role:writer', true], ['role:admin', false], ['role:Writer', false]
  ] as const) {
    const demand = RouteDemand.of({ allow: [pattern] }, ROUTE)
    t.equal(demand.admits(identity, { clientCertificate: x509 }), expected, pattern)
    t.equal(demand.admits(identity, { clientCertificate: x509 }), expected, 'and the same again')
    t.equal(RouteDemand.of({ allow: ['role:none', pattern] }, ROUTE).admits(identity, { clientCertificate: x509 }), expected, 'one is enough')
    t.notOk(demand.admits(NOBODY, {}))
  }
  t.notOk(RouteDemand.of({ allow: [`spki:${spki}`] }, ROUTE).admits({ ...identity }, {}), 'hashes are those of the certificate')
  t.notOk(RouteDemand.of({ allow: ['uri:spiffe://example.org/*'] }, ROUTE).admits({ ...identity, spiffeId: undefined }, { clientCertificate: x509 }), 'a certificate that is not an SVID')
  t.ok(RouteDemand.of({ clientCertificate: 'required' }, ROUTE).admits(NOBODY, { clientCertificate: x509 }))
})

t.test('a role that no rule grants is reported once, whenever its routes are declared', async (t) => {
  const demands = new RouteDemands()
  const reported: string[][] = []
  demands.read({ allow: ['role:early', 'role:reader'] }, ROUTE)
  demands.read({ allow: ['role:early'] }, { method: 'HEAD', url: '/orders' })
  demands.know(new Set(['reader']), (...report) => { reported.push(report) })
  t.same(reported, [['early', 'GET "/orders"']])
  demands.read({ allow: ['role:early', 'role:reader', 'role:late', 'cn:alice'] }, { method: 'GET', url: '/late' })
  demands.read({ allow: ['role:late'] }, { method: 'GET', url: '/later' })
  t.same(reported, [['early', 'GET "/orders"'], ['late', 'GET "/late"']])
})
