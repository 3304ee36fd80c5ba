/** `issuer=` limits a rule to one authority: the other authorities of the endpoint cannot issue its names. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { allowPaths } from '../../lib/tls/gate.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { issueWorkload, makeAllowedSite, type AllowedSite } from '../support/allowed-site.js'
import { asClient, connectTls, get, startApp, takeTicket } from '../support/mutual-tls.js'
import { createAuthority, generateKeyPair, type Authority, type Issued } from '../support/pki.js'

const ID = 'spiffe://other.example.org/ns/shop'

const spkiOf = ({ x509 }: Authority): string => identifyCertificate(x509.raw).spki

/** Whether a client that sends these intermediates is served. */
async function outcomeOf (site: AllowedSite, port: number, leaf: Issued, ...sent: Authority[]): Promise<string> {
  const chain = leaf.certificate + sent.map(({ certificate }) => certificate).join('')
  try {
    await get(port, asClient(site, { chain, key: leaf.key }))
    return 'admitted'
  } catch (error) {
    return /alert access denied/.test(String(error)) ? 'denied' : String(error)
  }
}

t.test('the same name counts under one of two authorities', async (t) => {
  const other = await createAuthority({ name: 'Other CA' })
  const site = await makeAllowedSite(t, [`uri:spiffe://other.example.org/* issuer=${spkiOf(other)} role=guest`, 'cn:alice'])
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  const { app, port } = await startApp(t, site.allowed, (app) => { app.get('/', async ({ clientIdentity }) => clientIdentity?.roles) })
  const [good, foreign, both] = await Promise.all([issueWorkload(other, ID), issueWorkload(site.ca, ID), site.ca.issue({ name: 'alice', usage: 'client', uris: [ID] })])
  t.match(await get(port, asClient(site, good)), { status: 200, body: '["guest"]' })
  t.equal(await outcomeOf(site, port, foreign), 'denied')
  t.match(await get(port, asClient(site, both)), { status: 200, body: '[]' }, 'another rule admits it, without the role of the tied rule')
  await site.allow('uri:spiffe://other.example.org/*')
  await app.endpoint.reload()
  t.equal(await outcomeOf(site, port, foreign), 'admitted', 'without the tie')
})

t.test('an intermediate counts as an issuer, whether it is sent or configured', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const [one, two] = await Promise.all(['One', 'Two'].map((name) => createAuthority({ name, issuer: root }))) as [Authority, Authority]
  const site = await makeAllowedSite(t, [`uri:${ID} issuer=${spkiOf(one)}`], root)
  const { app, port } = await startApp(t, site.allowed)
  const [good, foreign] = await Promise.all([issueWorkload(one, ID), issueWorkload(two, ID)])
  t.equal(await outcomeOf(site, port, good, one), 'admitted')
  t.equal(await outcomeOf(site, port, foreign, two), 'denied')
  t.equal(await outcomeOf(site, port, foreign, two, one), 'denied', 'an authority that is sent, but is in no path')
  await site.allow(`uri:${ID} issuer=${spkiOf(root)}`)
  await app.endpoint.reload()
  for (const [leaf, issuer] of [[good, one], [foreign, two]] as const) t.equal(await outcomeOf(site, port, leaf, issuer), 'admitted')
})

t.test('if two anchors certify one intermediate, a rule for either counts while its path is good', async (t) => {
  const [a, b] = await Promise.all(['Root A', 'Root B'].map((name) => createAuthority({ name }))) as [Authority, Authority]
  const keyPair = await generateKeyPair()
  const [underA, underB] = await Promise.all([a, b].map((issuer) => createAuthority({ name: 'Issuing', issuer, keyPair }))) as [Authority, Authority]
  const site = await makeAllowedSite(t, [`uri:${ID} issuer=${spkiOf(a)}`], a)
  await writeFile(site.path('ca.pem'), [a, b, underA, underB].map(({ certificate }) => certificate).join(''))
  const { app, port } = await startApp(t, site.allowed)
  const leaf = await issueWorkload(underA, ID)
  const outcome = (): Promise<string> => outcomeOf(site, port, leaf)
  t.equal(await outcome(), 'admitted')
  await site.allow(`uri:${ID} issuer=${spkiOf(b)}`)
  await app.endpoint.reload()
  t.equal(await outcome(), 'admitted')
  await site.allow(`uri:${ID} issuer=${spkiOf(underA)}`)
  await app.endpoint.reload()
  t.equal(await outcome(), 'admitted')

  // The path to B is revoked: rules for B no longer count, rules for A do.
  await site.revoke(`tbs:${identifyCertificate(underB.der).tbs}`)
  await site.allow(`uri:${ID} issuer=${spkiOf(b)}`)
  await app.endpoint.reload()
  t.not(await outcome(), 'admitted')
  await site.allow(`uri:${ID} issuer=${spkiOf(a)}`)
  await app.endpoint.reload()
  t.equal(await outcome(), 'admitted')

  await writeFile(site.path('ca.pem'), [b, underA, underB].map(({ certificate }) => certificate).join(''))
  await app.endpoint.reload()
  t.not(await outcome(), 'admitted', 'when A is no longer an authority')
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: a resumed session keeps the rules of its path, and a new issuer closes an open connection`, async (t) => {
    const other = await createAuthority({ name: 'Other CA' })
    const site = await makeAllowedSite(t, [`uri:${ID} issuer=${spkiOf(other)} role=guest`])
    await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
    const { app, port } = await startApp(t, site.allowed, (app) => { app.get('/', async ({ clientIdentity }) => clientIdentity?.roles) })
    const options = { ...asClient(site, await issueWorkload(other, ID)), minVersion: version, maxVersion: version }
    const session = await takeTicket(port, options)
    const resumed = await connectTls(port, { ...options, session })
    resumed.on('error', () => {})
    t.ok(resumed.isSessionReused())
    resumed.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    t.match(String((await once(resumed, 'data'))[0]), '["guest"]')
    const closed = once(resumed, 'close')
    await site.allow(`uri:${ID} issuer=${spkiOf(site.ca)}`)
    await app.endpoint.reload()
    await closed
    await t.rejects(get(port, { ...options, session } as object), /alert access denied/)
  })
}

t.test('a rule with an issuer needs a known path, and of several paths only one that OpenSSL is known to have accepted counts', async (t) => {
  const other = await createAuthority({ name: 'Other CA' })
  const leaf = identifyCertificate((await issueWorkload(other, ID)).der)
  const anchor = identifyCertificate(other.der)
  const set = AllowedSet.of([parseRule(`uri:${ID} issuer=${anchor.spki} role=a`, 1)])
  const common = { sent: [], authorities: [], notAfter: Infinity }
  const status = { status: 'good' } as const
  const under = (anchorOfPath: typeof anchor | undefined, isSufficient: boolean) =>
    ({ path: { ...common, certificates: [leaf], anchor: anchorOfPath, isSufficient }, status }) as never
  t.same(allowPaths([under(undefined, true)], set), { allowed: [], roles: [], rules: [], matches: 1 })
  const [good, uncertain, foreign] = [under(anchor, true), under(anchor, false), under(leaf, true)]
  t.match(allowPaths([good], set), { allowed: [good], roles: ['a'], rules: [{ line: 1 }] })
  t.match(allowPaths([uncertain], set), { roles: ['a'] }, 'the only one')
  t.match(allowPaths([uncertain, foreign], set), { allowed: [], roles: [] })
  t.match(allowPaths([good, foreign], set), { allowed: [good], roles: ['a'] })
  t.match(allowPaths([good], undefined), { allowed: [good], roles: [] })
})
