/** CRLs count where each authority in the file is an anchor. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { SharedWatchers } from '../../lib/revocation/shared-watchers.js'
import { alertSeenByNode, alertSeenByOpenssl } from '../support/alerts.js'
import { runMain } from '../support/command-line.js'
import { makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { makeCrlSite } from '../support/crl-site.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { asClient, connectTls, get, putInForce, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root })
const bob = await issuing.issue({ name: 'bob', usage: 'client' })
const mallory = await issuing.issue({ name: 'mallory', usage: 'client' })
const listed = { entries: [{ serial: serialOf(mallory.der) }] }

t.test('the CRLs of an intermediate without its root let clients in, reject them and close their connections', async (t) => {
  const site = await makeCrlSite(t)
  await Promise.all([writeFile(site.path('ca.pem'), issuing.certificate), site.write('bob', bob), site.list('issuing', issuing)])
  const { app, port } = await startApp(t, site.strict('anchors=any', 'unknownStatus=deny', 'expiredCrl=deny'))
  const socket = await connectTls(port, { ...asClient(site, mallory), ca: site.ca.certificate })
  const closed = once(socket.on('error', () => {}).resume(), 'close')
  await putInForce(app, () => site.list('issuing', issuing, [mallory], { number: 2 }))
  await closed
  const client = { ...asClient(site, mallory), ca: site.ca.certificate }
  t.equal(await alertSeenByNode({ port }, client), 'certificate_revoked')
  t.equal((await get(port, { ...asClient(site, bob), ca: site.ca.certificate })).status, 200)
  t.equal(await alertSeenByOpenssl(port, ['-cert', site.path('bob.pem'), '-key', site.path('bob.key')]), undefined)
  const [listener] = app.endpoint.listeners
  t.match(listener?.revocation?.status([mallory.x509]), { status: 'revoked', kind: 'crl', index: 0 })
  t.match(listener?.revocation?.status([bob.x509, issuing.x509, root.x509]), { status: 'good' })
})

t.test('a large CRL that a thread reads counts too', async (t) => {
  const folder = makeTestFolder(t, { 'issuing.crl': makeLargeCrl(issuing, { count: 40_000, include: [serialOf(mallory.der)] }).der })
  const load = async (anchors: 'self-signed' | 'any'): Promise<string[]> => {
    const set = await loadRevocations({ patterns: [join(folder, '*.crl')], authorities: [issuing.x509], anchors })
    return [bob, mallory].map(({ x509 }) => wordFor(set.status([x509], STRICT)))
  }
  t.match(await load('any'), ['good', /^revoked/])
  t.same(await load('self-signed'), ['unknown', 'unknown'])
})

t.test('status agrees with the gate about a chain, and about a client that is an authority itself', async (t) => {
  const { tbs } = new Authorities([bob.x509]).all[0]?.identity ?? { tbs: '' }
  const folder = makeTestFolder(t, { 'issuing.crl': makeCrl(issuing, listed).der, 'revoked.txt': `tbs:${tbs}\n` })
  const patterns = [join(folder, '*.crl')]
  const all = [root.x509, issuing.x509, bob.x509, mallory.x509]
  const set = await loadRevocations({ list: join(folder, 'revoked.txt'), patterns, authorities: all, anchors: 'any' })
  t.match(set.status([mallory.x509]), { status: 'revoked', kind: 'crl', index: 0 }, 'its issuer is in the file too')
  t.match(set.status([bob.x509]), { status: 'revoked', kind: 'tbs', index: 0 })
  t.match(set.status([bob.x509, issuing.x509, root.x509]), { status: 'revoked', index: 0 })
  const alone = await loadRevocations({ patterns, authorities: [issuing.x509, bob.x509], anchors: 'any' })
  t.same(alone.status([bob.x509], STRICT), { status: 'good' })
  const { x509 } = await issuing.issue({ name: 'carol' })
  t.match(alone.status([x509, issuing.x509, root.x509], STRICT), { status: 'good' }, 'authorities above the anchor are not checked')
  const stranger = await (await createAuthority({ name: 'Other' })).issue({ name: 'stranger' })
  t.match(alone.status([stranger.x509], STRICT), { status: 'unknown' })
})

t.test('the CRL of its issuer rejects a client that is an authority itself', async (t) => {
  const site = await makeCrlSite(t)
  await writeFile(site.path('ca.pem'), issuing.certificate + mallory.certificate + bob.certificate)
  await site.list('issuing', issuing, [mallory])
  const { port } = await startApp(t, site.strict('anchors=any'))
  t.equal(await alertSeenByNode({ port }, { ...asClient(site, mallory), ca: site.ca.certificate }), 'certificate_revoked')
  t.equal((await get(port, { ...asClient(site, bob), ca: site.ca.certificate })).status, 200)
})

t.test('with the root in the file, its other CRL signers count as they do by default', async (t) => {
  const renewed = await createAuthority({ name: 'Issuing', issuer: root })
  const dave = await issuing.issue({ name: 'dave' })
  const folder = makeTestFolder(t, { 'renewed.crl': makeCrl(renewed, { entries: [{ serial: serialOf(dave.der) }] }).der })
  const patterns = [join(folder, '*.crl')]
  for (const anchors of ['self-signed', 'any'] as const) {
    const set = await loadRevocations({ patterns, authorities: [root.x509, issuing.x509, renewed.x509], anchors })
    t.match(set.status([dave.x509, issuing.x509]), { status: 'revoked', kind: 'crl' }, anchors)
    t.match(set.status([dave.x509]), { status: 'revoked', kind: 'crl' }, anchors)
  }
  const set = await loadRevocations({ patterns, authorities: [issuing.x509, renewed.x509], anchors: 'any' })
  t.match(set.status([dave.x509, issuing.x509]), { status: 'good' }, 'without a common root they only have the same name')
})

t.test('endpoints share a list only if their anchors are the same', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.crl\n', 'issuing.crl': makeCrl(issuing, listed).der })
  const watchers = new SharedWatchers({})
  const views = await Promise.all((['any', 'self-signed', 'any'] as const).map((anchors) => watchers.view({ file: join(folder, 'revoked.txt') }, new Authorities([issuing.x509], anchors))))
  t.teardown(() => { for (const view of views) view.close() })
  t.same(views.map(({ set }) => set.status([mallory.x509]).status), ['revoked', 'good', 'revoked'])
  t.equal(views[0]?.set, views[2]?.set)
  await views[0]?.changeAuthorities(new Authorities([issuing.x509, bob.x509], 'any'), () => {})
  t.equal(views[0]?.set.status([mallory.x509]).status, 'revoked', 'also with other authorities')
})

t.test('the commands status and check accept the argument', async (t) => {
  const site = await makeCrlSite(t)
  await Promise.all([writeFile(site.path('ca.pem'), issuing.certificate), site.write('mallory', mallory), site.write('bob', bob), site.list('issuing', issuing, [mallory])])
  const list = ['--list', site.path('revoked.txt'), '--authorities', site.path('ca.pem')]
  t.equal((await runMain(['status', site.path('bob.pem'), ...list, '--anchors', 'any'])).status, 0)
  t.equal((await runMain(['status', site.path('mallory.pem'), ...list, '--anchors', 'any'])).status, 1)
  t.match((await runMain(['status', site.path('bob.pem'), ...list])).stderr, /FST_ENDPOINT_NO_ANCHOR/)
  t.match((await runMain(['status', site.path('bob.pem'), ...list, '--anchors', 'every'])).stderr, /--anchors must be self-signed or any/)
  t.match((await runMain(['status', site.path('bob.pem'), '--list', 'x', '--anchors', 'any'])).stderr, /--anchors has no effect without --authorities/)
  t.equal((await runMain(['status', site.path('mallory.pem'), site.strict('anchors=any')])).status, 1)
  const { status, stdout } = await runMain(['check', site.strict('anchors=any')])
  t.equal(status, 0)
  t.notMatch(stdout, /no path of authorities|has no path to/)
})
