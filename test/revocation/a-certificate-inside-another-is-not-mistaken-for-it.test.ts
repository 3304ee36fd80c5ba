import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { identifyCertificate, loadRevocations } from '../../lib/revocation/index.js'
import { runMain } from '../support/command-line.js'
import { makeCrl } from '../support/crl.js'
import { makeSite, type Site } from '../support/mutual-tls.js'
import { createAuthority, Extension, type Issued } from '../support/pki.js'

/** An unknown extension whose value is a certificate as PEM. */
function holding ({ certificate }: Issued): Extension {
  return new Extension('1.2.3.4.5', false, Buffer.from(`\n${certificate}\n`))
}

async function siteOf (t: Test): Promise<Site & { mallory: Issued }> {
  const site = await makeSite(t)
  const mallory = await site.ca.issue({ name: 'mallory', usage: 'client', extensions: [holding(site.alice)] })
  await writeFile(site.path('mallory.der'), mallory.der)
  return { ...site, mallory }
}

t.test('the commands report and revoke the outer certificate', async (t) => {
  const { path, alice, mallory, endpoint } = await siteOf(t)
  t.equal(new X509Certificate(mallory.der).subject, 'CN=alice', 'Node reads the other one')
  const { stdout } = await runMain(['status', '--json', path('mallory.der'), endpoint()])
  t.match(JSON.parse(stdout), { certificates: [{ subject: 'CN=mallory' }], lines: { tbs: `tbs:${identifyCertificate(mallory.der).tbs}` } })
  t.match(await runMain(['revoke', path('mallory.der'), '--list', path('revoked.txt')]), { status: 0 })
  const list = await readFile(path('revoked.txt'), 'utf8')
  t.match(list, identifyCertificate(mallory.der).tbs)
  t.notMatch(list, identifyCertificate(alice.der).tbs)
})

t.test('the path of a client starts at the outer certificate', async (t) => {
  const site = await makeSite(t)
  const other = await createAuthority({ name: 'Other CA' })
  const nested = await site.ca.issue({ name: 'mallory', usage: 'client', serial: '2a', extensions: [holding(await other.issue({ name: 'bob', usage: 'client' }))] })
  await writeFile(site.path('ca.crl'), makeCrl(site.ca, { entries: [{ serial: '2a' }] }).pem)
  const set = await loadRevocations({ patterns: [site.path('ca.crl')], authorities: [site.ca.x509, other.x509] })
  t.match(set.status([nested.der]), { status: 'revoked', kind: 'crl' })
})

t.test('the outer certificate is the authority', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: root, extensions: [holding(await createAuthority({ name: 'Forged Root' }))] })
  const { all: signers } = new Authorities([root.der, issuing.der])
  t.match(signers.map(({ x509, isAnchor }) => [x509.subject, isAnchor]), [['CN=Root', true], ['CN=Issuing CA', false]])
})
