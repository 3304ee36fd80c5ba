/** With anchors=any, a path may end at an intermediate without its root, or at the client's own certificate. */
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { readAuthorities } from '../../lib/x509/certificate-files.js'
import { PathFinder } from '../../lib/tls/path.js'
import { checkPartialChains } from '../../lib/tls/undocumented.js'
import { alertSeenByNode, alertSeenByOpenssl } from '../support/alerts.js'
import { oid } from '../support/crl.js'
import { pemOf, spkiOf, withKey } from '../support/hostile-keys.js'
import { asClient, connectTls, get, makeSite, putInForce, startApp, takeTicket, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Authority, type Issued } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'

interface PartialSite extends Site {
  readonly root: Authority
  readonly issuing: Authority
  /** Issued by `issuing`. */
  readonly bob: Issued
  any (extra?: string): string
}

/** @param authorities the content of the authorities file */
async function makePartialSite (t: Test, authorities: (site: { root: Authority, issuing: Authority, bob: Issued }) => string): Promise<PartialSite> {
  const site = await makeSite(t)
  const root = await createAuthority({ name: 'Root' })
  const issuing = await createAuthority({ name: 'Issuing', issuer: root })
  const bob = await issuing.issue({ name: 'bob', usage: 'client', keyUsage: null })
  await writeFile(site.path('any.pem'), authorities({ root, issuing, bob }))
  await site.write('bob', bob)
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const any = (extra = ''): string => site.endpoint(`:authorities=${named('any.pem')}:revokedFile=${named('revoked.txt')}:anchors=any${extra}`)
  return { ...site, root, issuing, bob, any }
}

for (const version of ['1.2', '1.3']) {
  t.test(`a client below an intermediate is served without the root, of Node and of OpenSSL (TLS ${version})`, async (t) => {
    const site = await makePartialSite(t, ({ issuing }) => issuing.certificate)
    const { port } = await startApp(t, site.any())
    const flags = [`-tls${version.replace('.', '_')}`, '-CAfile', site.path('ca.pem')]
    t.equal(await alertSeenByOpenssl(port, [...flags, '-cert', site.path('bob.pem'), '-key', site.path('bob.key')]), undefined)
    t.equal(await alertSeenByOpenssl(port, [...flags, '-cert', site.path('alice.pem'), '-key', site.path('alice.key')]), 48, 'of another authority')
    t.equal((await get(port, { ...asClient(site, site.bob), maxVersion: `TLSv${version}` as 'TLSv1.2' })).status, 200)
    t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'unknown_ca')
  })
}

t.test('a client that resumes, or names a server of sni, is served too', async (t) => {
  const site = await makePartialSite(t, ({ issuing }) => issuing.certificate)
  const other = await site.ca.issue({ name: 'other.example', usage: 'server', dnsNames: ['other.example'] })
  const folder = site.path('names')
  await mkdir(folder)
  await writeFile(join(folder, 'other.example.pem'), other.key + other.chain)
  const { port } = await startApp(t, site.any(`:sni=${quoteEndpointArgument(folder)}`))
  const client = asClient(site, site.bob)
  t.equal((await get(port, { ...client, servername: 'other.example' })).status, 200)
  const resumed = await connectTls(port, { ...client, session: await takeTicket(port, client) })
  resumed.write('GET / HTTP/1.0\r\n\r\n')
  const [answer] = await once(resumed, 'data') as [Buffer]
  t.ok(resumed.isSessionReused())
  t.match(String(answer), /^HTTP\/1\.1 200/)
  resumed.destroy()
})

t.test('by default, both files are refused at the start, and the error says what to write', async (t) => {
  const site = await makePartialSite(t, ({ issuing, bob }) => issuing.certificate + bob.certificate)
  const error = await errorOf(() => startApp(t, site.any().replace('anchors=any', 'anchors=self-signed')))
  t.match(error, { code: 'FST_ENDPOINT_NO_ANCHOR', argument: 'authorities', message: /write anchors=any/ })
})

t.test('by default, a client below an intermediate without its root is refused, even if another root is in the file', async (t) => {
  const site = await makePartialSite(t, ({ issuing }) => issuing.certificate)
  await writeFile(site.path('any.pem'), site.issuing.certificate + site.ca.certificate)
  const { port } = await startApp(t, site.any().replace(':anchors=any', ''))
  t.equal(await alertSeenByNode({ port }, asClient(site, site.bob)), 'unknown_ca')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('with the root in the file too, a path ends at the first authority, and revocations above it do not count', async (t) => {
  const site = await makePartialSite(t, ({ root, issuing }) => issuing.certificate + root.certificate)
  const carol = await site.root.issue({ name: 'carol', usage: 'client' })
  await site.revoke(`tbs:${identifyCertificate(site.issuing.der).tbs}`)
  const { port } = await startApp(t, site.any())
  t.equal((await get(port, asClient(site, site.bob))).status, 200)
  t.equal((await get(port, asClient(site, carol))).status, 200)
  const { port: strict } = await startApp(t, site.any().replace(':anchors=any', ''))
  t.equal(await alertSeenByNode({ port: strict }, asClient(site, site.bob)), 'certificate_revoked', 'by default it is not an anchor')
})

t.test('a client\'s own certificate in the file admits that client and no other', async (t) => {
  const site = await makePartialSite(t, ({ bob }) => bob.certificate)
  const twin = await site.issuing.issue({ name: 'bob', usage: 'client' })
  const { port } = await startApp(t, site.any())
  t.equal((await get(port, asClient(site, site.bob))).status, 200)
  t.equal(await alertSeenByOpenssl(port, ['-cert', site.path('bob.pem'), '-key', site.path('bob.key')]), undefined)
  t.equal(await alertSeenByNode({ port }, asClient(site, twin)), 'unknown_ca', 'of the same name and issuer')
})

for (const kind of ['tbs', 'serial', 'spki'] as const) {
  t.test(`a client whose own certificate is an authority is cut when a line ${kind}: revokes it`, async (t) => {
    const site = await makePartialSite(t, ({ bob }) => bob.certificate)
    const { app, port } = await startApp(t, site.any())
    const socket = await connectTls(port, asClient(site, site.bob))
    const closed = once(socket.on('error', () => {}).resume(), 'close')
    await putInForce(app, () => site.revoke(`${kind}:${identifyCertificate(site.bob.der)[kind]}`))
    await closed
    t.equal(await alertSeenByNode({ port }, asClient(site, site.bob)), 'certificate_revoked')
  })
}

t.test('a client whose own certificate is removed from the authorities is cut', async (t) => {
  const site = await makePartialSite(t, ({ bob }) => bob.certificate)
  const { app, port } = await startApp(t, site.any())
  const socket = await connectTls(port, asClient(site, site.bob))
  const closed = once(socket.on('error', () => {}).resume(), 'close')
  await writeFile(site.path('any.pem'), site.ca.certificate)
  await app.endpoint.reload()
  await closed
  t.equal(await alertSeenByNode({ port }, asClient(site, site.bob)), 'unknown_ca')
})

t.test('a client\'s certificate in the file is not an authority for others, whatever it signs', async (t) => {
  const site = await makePartialSite(t, ({ bob, issuing }) => bob.certificate + issuing.certificate)
  // keyUsage without keyCertSign, so that it can be a client's.
  const eve = await createAuthority({ name: 'eve', issuer: { ...site.bob, issue: site.issuing.issue }, keyUsage: 1 })
  const frank = await createAuthority({ name: 'frank', issuer: site.issuing, keyUsage: 1 })
  const { port } = await startApp(t, site.any())
  t.equal(await alertSeenByNode({ port }, asClient(site, eve)), 'unsupported_certificate')
  t.equal((await get(port, asClient(site, frank))).status, 200, 'the same certificate of an authority is good')
  const { authorities } = readAuthorities(Buffer.from(site.bob.certificate), 'any.pem', 'any')
  t.same(new PathFinder(authorities, Date.now).find(eve.x509, identifyCertificate(eve.der), [], true), [], 'nor for the package alone')
})

t.test('a renewed intermediate cuts no client', async (t) => {
  const site = await makePartialSite(t, ({ issuing }) => issuing.certificate)
  const { app, port } = await startApp(t, site.any())
  const socket = await connectTls(port, asClient(site, site.bob))
  const renewed = await createAuthority({ name: 'Issuing', issuer: site.root, keyPair: site.issuing.keyPair })
  await writeFile(site.path('any.pem'), renewed.certificate)
  await app.endpoint.reload()
  socket.write('GET / HTTP/1.0\r\n\r\n')
  const [answer] = await once(socket, 'data') as [Buffer]
  t.match(String(answer), /^HTTP\/1\.1 200/)
  socket.destroy()
})

t.test('the error for a file without any usable certificate does not mention roots', async (t) => {
  const { der } = await createAuthority({ name: 'Other' })
  const unreadable = pemOf(withKey(der, spkiOf([oid('1.2.643.7.1.1.1.1')], Buffer.alloc(64, 5))))
  const error = await errorOf(() => readAuthorities(Buffer.from(unreadable), 'any.pem', 'any'))
  t.match(error, { code: 'FST_ENDPOINT_NO_ANCHOR', message: /none of its certificates can be used.*Line 1, /s })
})

t.test('a Node.js that silently ignores the option is refused', async (t) => {
  checkPartialChains()
  const { context } = createSecureContext()
  const old = { context: { ...context as object } } as SecureContext
  const error = await errorOf(() => { checkPartialChains(old) })
  t.match(error, { code: 'FST_ENDPOINT_ANCHORS_UNSUPPORTED', argument: 'anchors', message: /20\.18, 22\.9 or later/ })
})
