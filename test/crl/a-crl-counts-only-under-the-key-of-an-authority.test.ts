import t from 'tap'
import { directoryName, extension, keyIdOf, loadCrls, makeCrl, serialOf, subjectOf } from '../support/crl.js'
import { createAuthority, element, KeyUsageFlags } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const impostor = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const entries = [{ serial: serialOf(alice.der) }]

/** A CRL that an impostor has signed in the root's name. */
const forged = makeCrl(impostor, { entries })

const cases: Array<{ name: string, authorities: Array<Awaited<ReturnType<typeof createAuthority>>>, crl: { der: Buffer }, says: RegExp }> = [
  { name: 'a key of the same name that is not an authority', authorities: [root], crl: forged, says: /signature does not verify with the key of its issuer/ },
  { name: 'a signature over other data', authorities: [root], crl: { der: Buffer.concat([makeCrl(root).der.subarray(0, -1), Buffer.of(0)]) }, says: /signature does not verify with the key of its issuer/ },
  { name: 'an issuer that is not an authority', authorities: [await createAuthority({ name: 'Other' })], crl: makeCrl(root), says: /not in authorities: add the certificate/ },
  { name: 'no authority at all', authorities: [], crl: makeCrl(root), says: /not in authorities/ },
  { name: 'an authority that may not sign CRLs', authorities: [await createAuthority({ name: 'Root', keyPair: root.keyPair, keyUsage: KeyUsageFlags.keyCertSign })], crl: makeCrl(root), says: /keyUsage without cRLSign/ }
]

for (const { name, authorities, crl, says } of cases) {
  t.test(`an app does not start with a CRL of ${name}: the error names the file and the reason`, async (t) => {
    await t.rejects(loadCrls(t, authorities, [crl]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: says, file: /000\.crl$/ })
  })
}

t.test('an authority without keyUsage may sign CRLs', async (t) => {
  const free = await createAuthority({ name: 'Root', keyPair: root.keyPair, keyUsage: null })
  const set = await loadCrls(t, [free], [makeCrl(root, { entries })])
  t.equal(set.status([alice.x509]).status, 'revoked')
})

t.test('a CRL is verified first with the key that it names, among many authorities of one name', async (t) => {
  const many = await Promise.all(Array.from({ length: 20 }, () => createAuthority({ name: 'Root' })))
  const set = await loadCrls(t, [...many, root], [makeCrl(root, { entries, keyId: keyIdOf(root.der) })])
  t.equal(set.status([alice.x509]).status, 'revoked')
})

t.test('a CRL that names no key does not count if too many authorities have its issuer\'s name', async (t) => {
  const many = await Promise.all(Array.from({ length: 20 }, () => createAuthority({ name: 'Root' })))
  await t.rejects(loadCrls(t, [...many, root], [makeCrl(root, { entries })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED' })
})

t.test('a CRL that names the key by issuer and serial number counts like one that names none', async (t) => {
  const byNumber = extension('2.5.29.35', element(0x30, element(0xa1, directoryName(subjectOf(root.der))), element(0x82, Buffer.from(serialOf(root.der), 'hex'))))
  const set = await loadCrls(t, [root], [makeCrl(root, { entries, extensions: [byNumber] })])
  t.equal(set.status([alice.x509]).status, 'revoked')
})
