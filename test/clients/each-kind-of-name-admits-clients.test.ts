import t, { type Test } from 'tap'
import { Agent, fetch } from 'undici'
import { makeAllowedSite, type AllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import type { LeafOptions } from '../support/pki.js'
import { hasProgram, PYTHON, run } from '../support/programs.js'
import { identifyCertificate } from '../../lib/x509/identity.js'

/** A rule, the names that it admits, and similar names that it rejects. */
const KINDS: ReadonlyArray<readonly [rule: string, good: Partial<LeafOptions>, bad: Partial<LeafOptions>]> = [
  ['uri:spiffe://example.org/ns/shop/*', { uris: ['spiffe://example.org/ns/shop/a'] }, { uris: ['spiffe://example.org/ns/shopping/a'] }],
  ['uri:https://example.org/clients/7', { uris: ['https://example.org/clients/7'] }, { uris: ['https://example.org/clients/70'] }],
  ['dns:*.devices.example.org', { dnsNames: ['A.devices.Example.org'] }, { dnsNames: ['a.b.devices.example.org'] }],
  ['email:*@example.org', { emails: ['alice@Example.org'] }, { emails: ['alice@a.example.org'] }],
  ['ip:192.0.2.0/24', { ipAddresses: ['192.0.2.7'] }, { ipAddresses: ['192.0.3.7'] }],
  ['ip:2001:db8::/32', { ipAddresses: ['2001:db8::7'] }, { ipAddresses: ['2001:db9::7'] }],
  ['cn:legacy%20scanner%2017', { name: 'legacy scanner 17' }, { name: 'legacy scanner 18' }]
]

const PYTHON_CLIENT = `
import http.client, ssl, sys
port, ca, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.load_cert_chain(certificate, key)
connection = http.client.HTTPSConnection('localhost', int(port), context=context)
try:
    connection.request('GET', '/')
    print(connection.getresponse().status)
except ssl.SSLError as error:
    print('refused', error.reason)
`

interface Visitor {
  /** "200", or how it says that it was denied. */
  visit (site: AllowedSite, port: number, name: string): Promise<string>
  readonly denied: RegExp
}

const files = (site: AllowedSite, name: string): [ca: string, certificate: string, key: string] =>
  [site.path('ca.pem'), site.path(`${name}.pem`), site.path(`${name}.key`)]

const CURL: Visitor = {
  denied: /alert access denied/,
  async visit (site, port, name) {
    const [ca, certificate, key] = files(site, name)
    const { status, stdout, stderr } = await run('curl', ['--silent', '--show-error', '--output', '/dev/null', '--write-out', '%{http_code}', '--cacert', ca, '--cert', certificate, '--key', key, `https://localhost:${port}/`])
    return status === 0 ? stdout : stderr
  }
}

const PYTHONS: Visitor = {
  denied: /^refused (?:TLSV1|SSL\/TLS)_ALERT_ACCESS_DENIED$/,
  async visit (site, port, name) {
    return (await run(PYTHON, ['-c', PYTHON_CLIENT, String(port), ...files(site, name)])).stdout.trim()
  }
}

/** Lets the clients of each kind visit. */
async function visitAll (t: Test, visitor: Visitor): Promise<void> {
  const site = await makeAllowedSite(t, KINDS.map(([rule]) => rule))
  const { port } = await startApp(t, site.allowed)
  for (const [rule, good, bad] of KINDS) {
    for (const [name, options] of [['good', good], ['bad', bad]] as const) await site.write(name, await site.ca.issue({ name: '', usage: 'client', ...options }))
    t.equal(await visitor.visit(site, port, 'good'), '200', rule)
    t.match(await visitor.visit(site, port, 'bad'), visitor.denied, rule)
  }
}

t.test('curl is admitted by each kind of name', async (t) => {
  if (hasProgram(t, 'curl')) await visitAll(t, CURL)
})

t.test('Python is admitted by each kind of name', async (t) => {
  if (hasProgram(t, 'python')) await visitAll(t, PYTHONS)
})

t.test('undici is admitted by each kind of name', async (t) => {
  const site = await makeAllowedSite(t, KINDS.map(([rule]) => rule))
  const { port } = await startApp(t, site.allowed)
  const visit = async (options: Partial<LeafOptions>): Promise<string> => {
    const { chain, key } = await site.ca.issue({ name: '', usage: 'client', ...options })
    const dispatcher = new Agent({ connect: { ca: site.ca.certificate, cert: chain, key, maxVersion: 'TLSv1.2' } })
    t.teardown(() => dispatcher.destroy())
    return await fetch(`https://localhost:${port}/`, { dispatcher }).then(({ status }) => String(status), (thrown: Error) => String(thrown.cause))
  }
  for (const [rule, good, bad] of KINDS) {
    t.equal(await visit(good), '200', rule)
    t.match(await visit(bad), /alert access denied/, rule)
  }
})

t.test('clients are admitted by the hash of a certificate and of a key', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const { app, port } = await startApp(t, site.allowed)
  const { tbs } = identifyCertificate(site.alice.der)
  const { spki } = identifyCertificate(site.mallory.der)
  const renewed = await site.ca.issue({ name: 'other', usage: 'client', keyPair: site.mallory.keyPair })
  await site.allow(`tbs:${tbs}`, `spki:${spki}`)
  await app.endpoint.reload()
  for (const client of [site.alice, site.mallory, renewed]) t.equal((await get(port, asClient(site, client))).status, 200)
  await t.rejects(get(port, asClient(site, await site.ca.issue({ name: 'alice', usage: 'client', keyPair: site.alice.keyPair }))), /alert access denied/)
})
