import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { issue, matches, rulesFor } from '../support/allowed.js'
import { generateKeyPair, type LeafOptions } from '../support/pki.js'

/** Rules, the names in a certificate, and whether it matches each of them. */
const rows: Array<[names: Partial<LeafOptions>, matching: string[], others: string[]]> = [
  [{ uris: ['https://example.org/a/b'] },
    ['uri:https://example.org/a/b', 'uri:https://example.org/a/*', 'uri:https://example.org/*'],
    ['uri:https://example.org/a', 'uri:https://example.org/a/b/*', 'uri:https://example.org/a/b/', 'uri:HTTPS://example.org/a/b', 'uri:https://Example.org/a/b', 'uri:https://example.org/A/b',
      'uri:http://example.org/a/*', 'uri:https://example.com/*', 'uri:https://example/*', 'uri:https://example.org/a/b/c/*', 'dns:example.org', 'cn:https://example.org/a/b']],
  [{ uris: ['https://example.org/a'] }, ['uri:https://example.org/*'], ['uri:https://example.org/a/*', 'uri:https://example.org/ab/*']],
  [{ uris: ['https://example.org/ab/c'] }, ['uri:https://example.org/ab/*'], ['uri:https://example.org/a/*']],
  [{ uris: ['https://example.org/'] }, ['uri:https://example.org/'], ['uri:https://example.org/*']],
  [{ uris: ['https://example.org'] }, ['uri:https://example.org'], ['uri:https://example.org/*']],
  [{ uris: ['https://example.org.evil.test/a'] }, [], ['uri:https://example.org/*']],
  [{
    uris: ['https://example.org/a/', 'https://example.org//a', 'https://example.org/./a', 'https://example.org/x/../a', 'https://example.org/a?b', 'https://example.org/a#b',
      'https://example.org/%61', 'https://example.org:443/a', 'https://u@example.org/a', 'https://u:p@example.org/a', 'https://example.org/a\\b', 'https://example.org/a b',
      'https://example.org/..', 'https://example.org/.', 'https://example.org/a/b/..', 'https:example.org/a', 'https:/example.org/a']
  },
  ['uri:https://example.org/%61', 'uri:https://example.org:443/a', 'uri:https://example.org/a?b', 'uri:https://example.org/x/../a'],
  ['uri:https://example.org/*', 'uri:https://example.org/a/*', 'uri:https://example.org/a', 'uri:https://example.org/x/*']],
  [{ uris: ['https://example.org/a@b:c', 'urn:example:a/b'] }, ['uri:https://example.org/*', 'uri:urn:example:a/b'], ['uri:urn:example:a']],

  [{ uris: ['spiffe://example.org/ns/shop/sa/orders'] },
    ['uri:spiffe://example.org/ns/shop/sa/orders', 'uri:spiffe://example.org/ns/shop/*', 'uri:spiffe://example.org/*'],
    ['uri:spiffe://example.org/ns/shop', 'uri:spiffe://example.org/ns/shop/sa/order', 'uri:spiffe://example.org/ns/sho/*', 'uri:spiffe://example.com/*', 'uri:spiffe://example.org.uk/*']],

  [{ dnsNames: ['A.Example.ORG'] },
    ['dns:a.example.org', 'dns:A.EXAMPLE.org', 'dns:*.example.org', 'dns:*.EXAMPLE.org'],
    ['dns:example.org', 'dns:*.org', 'dns:*.a.example.org', 'dns:b.example.org', 'uri:https://a.example.org', 'cn:a.example.org', 'cn:A.Example.ORG', 'email:*@a.example.org', 'dns:a.example.organ']],
  [{ dnsNames: ['example.org'] }, ['dns:example.org', 'dns:*.org'], ['dns:*.example.org']],
  [{ dnsNames: ['a.b.example.org'] }, ['dns:*.b.example.org'], ['dns:*.example.org']],
  [{ dnsNames: ['aexample.org'] }, [], ['dns:*.example.org', 'dns:example.org']],
  [{ dnsNames: ['localhost'] }, ['dns:localhost'], ['dns:*.localhost']],
  [{ dnsNames: ['xn--bcher-kva.example', '_a.example.org', '-.example.net'] }, ['dns:xn--bcher-kva.example', 'dns:*.example', 'dns:*.example.org', 'dns:*.example.net'], []],
  [{ dnsNames: ['.example.org', ' .example.org', 'a b.example.org', 'a@b.example.org', 'a..example.org'] }, [], ['dns:*.example.org', 'dns:example.org', 'dns:b.example.org']],
  [{ dnsNames: ['a.example.org', 'b.example.com'] }, ['dns:a.example.org', 'dns:b.example.com', 'dns:*.example.com'], ['dns:c.example.org']],

  [{ emails: ['Alice@Example.ORG'] },
    ['email:Alice@example.org', 'email:Alice@EXAMPLE.org', 'email:*@example.org'],
    ['email:alice@example.org', 'email:*@org', 'email:*@a.example.org', 'dns:example.org', 'uri:mailto:Alice@Example.ORG', 'cn:Alice@Example.ORG']],
  [{ emails: ['a@b.example.org'] }, ['email:*@b.example.org'], ['email:*@example.org']],

  [{ ipAddresses: ['10.1.2.3'] },
    ['ip:10.1.2.3', 'ip:10.1.2.3/32', 'ip:10.1.2.2/31', 'ip:10.1.2.0/24', 'ip:10.0.0.0/8', 'ip:10.0.0.0/12', 'ip:8.0.0.0/5', 'ip:0.0.0.0/1', 'ip:0.0.0.0/0'],
    ['ip:10.1.2.4', 'ip:10.1.2.4/30', 'ip:11.0.0.0/8', 'ip:10.16.0.0/12', 'ip:128.0.0.0/1', 'ip:::ffff:10.1.2.3', 'ip:::ffff:0:0/96', 'ip:::/0', 'ip:a01:203::/32', 'ip:a00::/8', 'ip:a00::/12', 'cn:10.1.2.3']],
  [{ ipAddresses: ['::ffff:a01:203'] }, ['ip:::ffff:10.1.2.3', 'ip:::ffff:10.0.0.0/104', 'ip:::/0'], ['ip:10.1.2.3', 'ip:10.0.0.0/8', 'ip:0.0.0.0/0']],
  [{ ipAddresses: ['2001:db8::1'] },
    ['ip:2001:0DB8:0:0::1', 'ip:2001:db8::/32', 'ip:2001:db8::/127', 'ip:2000::/3', 'ip:::/0'],
    ['ip:2001:db8::', 'ip:2001:db8::2/127', 'ip:2001:db9::/32', 'ip:32.0.0.0/3', 'ip:32.1.13.184', 'ip:0.0.0.0/0']],
  [{ dnsNames: ['10.1.2.3'], uris: ['https://10.1.2.3/'] }, ['uri:https://10.1.2.3/'], ['ip:10.1.2.3', 'ip:0.0.0.0/0']],

  [{ name: 'legacy scanner 17' }, ['cn:legacy%20scanner%2017'], ['cn:legacy', 'cn:Legacy%20scanner%2017', 'cn:legacy%20scanner%20170', 'cn:legacy%2520scanner%252017']],
  [{ name: 'a.example.org' }, ['cn:a.example.org'], ['dns:a.example.org', 'dns:*.example.org']],
  [{ name: 'alice@example.org' }, ['cn:alice@example.org'], ['email:alice@example.org', 'email:*@example.org']],
  [{ name: 'CN=uri:https://example.org/a' }, ['cn:uri:https://example.org/a'], ['uri:https://example.org/a']],
  [{ name: 'CN=Zürich 100%' }, ['cn:Z%C3%BCrich%20100%25', 'cn:Zürich%20100%25'], ['cn:Zu%CC%88rich%20100%25', 'cn:Zurich%20100%25']],
  [{ name: 'O=alice, OU=alice' }, [], ['cn:alice']]
]

t.test('a rule of each kind, with and without wildcards, matches only its names', async (t) => {
  for (const [names, matching, others] of rows) {
    const { der } = await issue(names)
    for (const rule of matching) t.ok(await matches(rule, der), `${rule} matches ${JSON.stringify(names)}`)
    for (const rule of others) t.notOk(await matches(rule, der), `${rule} does not match ${JSON.stringify(names)}`)
  }
})

t.test('a rule matches one certificate by its hash, or all certificates of a key', async (t) => {
  const keyPair = await generateKeyPair()
  const [one, renewed, other] = await Promise.all([issue({ keyPair }), issue({ keyPair }), issue({})])
  const { tbs, spki } = identifyCertificate(one.der)
  t.same([one, renewed, other].map(({ der }) => identifyCertificate(der).spki === spki), [true, true, false])
  t.same(await Promise.all([one, renewed, other].map(({ der }) => matches(`tbs:${tbs}`, der))), [true, false, false])
  t.same(await Promise.all([one, renewed, other].map(({ der }) => matches(`spki:${spki}`, der))), [true, true, false])
  t.notOk(await matches(`tbs:${spki}`, one.der))
  t.notOk(await matches(`spki:${tbs}`, one.der))
})

t.test('a client that several rules match has them in the order of the list, each once', async (t) => {
  const { der } = await issue({ name: 'alice', dnsNames: ['a.example.org', 'b.example.org'], ipAddresses: ['10.0.0.1', '10.0.0.2'] })
  const rules = await rulesFor(['dns:*.example.org role=c', 'cn:alice role=b', 'cn:bob role=x', 'ip:10.0.0.0/8 role=d', 'dns:b.example.org role=a', 'cn:alice role=e', 'cn:alice'], der)
  t.same(rules.map(({ line, roles }) => [line, ...roles]), [[1, 'c'], [2, 'b'], [4, 'd'], [5, 'a'], [6, 'e'], [7]])
})

t.test('a certificate without names matches only its hashes', async (t) => {
  const { der } = await issue({})
  const { tbs } = identifyCertificate(der)
  t.same((await rulesFor(['ip:0.0.0.0/0', 'ip:::/0', 'dns:*.org', `tbs:${tbs}`], der)).map(({ line }) => line), [4])
})
