import t from 'tap'
import { commonName, directoryName, keyIdOf, loadCrls, makeCrl, namesPoints, scope, STRICT, subjectOf, uri, wordFor } from '../support/crl.js'
import { createAuthority, KeyUsageFlags } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const one = await createAuthority({ name: 'One', issuer: root })
const two = await createAuthority({ name: 'Two', issuer: root })
/** Signs CRLs for other authorities, and no certificates. */
const lister = await root.issue({ name: 'Lister', keyUsage: KeyUsageFlags.cRLSign })
const outside = await createAuthority({ name: 'Outside' })
const outsideLister = await outside.issue({ name: 'Lister', keyUsage: KeyUsageFlags.cRLSign })
const listed = { extensions: [namesPoints({ crlIssuer: [directoryName(subjectOf(lister.der))] })] }
const authorities = [root, one, two, lister]
const indirect = scope({ indirect: true })
const rootCrl = makeCrl(root)

const alice = await one.issue({ name: 'alice', serial: '11', ...listed })
const bob = await two.issue({ name: 'bob', serial: '11', ...listed })
const carol = await two.issue({ name: 'carol', serial: '22', ...listed })
/** A certificate that does not name the lister. */
const dave = await one.issue({ name: 'dave', serial: '22' })

t.test('a certificateIssuer applies to the entries after it until the next one', async (t) => {
  const crl = makeCrl(lister, {
    scope: indirect,
    entries: [
      { serial: '11', certificateIssuer: subjectOf(one.der), reason: 1 },
      { serial: '33' },
      { serial: '22', certificateIssuer: subjectOf(two.der), reason: 4 }
    ]
  })
  const set = await loadCrls(t, authorities, [crl, rootCrl])
  t.equal(wordFor(set.status([alice.x509, one.x509], STRICT)), 'revoked keyCompromise')
  t.equal(wordFor(set.status([bob.x509, two.x509], STRICT)), 'good', 'the number is that of another issuer')
  t.equal(wordFor(set.status([carol.x509, two.x509], STRICT)), 'revoked superseded')
  const next = await one.issue({ name: 'next', serial: '33', ...listed })
  t.equal(wordFor(set.status([next.x509, one.x509], STRICT)), 'revoked', 'carried from the entry before')
})

t.test('entries before the first certificateIssuer belong to the CRL\'s own issuer', async (t) => {
  const own = makeCrl(one, { scope: indirect, entries: [{ serial: '22' }, { serial: '11', certificateIssuer: subjectOf(two.der) }] })
  const set = await loadCrls(t, authorities, [own, rootCrl])
  t.equal(wordFor(set.status([dave.x509, one.x509])), 'revoked')
  t.equal(wordFor(set.status([alice.x509, one.x509])), 'good')
})

t.test('a later entry may return to an earlier issuer, even the CRL\'s own', async (t) => {
  const own = makeCrl(one, { scope: indirect, entries: [{ serial: '55', certificateIssuer: subjectOf(two.der) }, { serial: '22', certificateIssuer: subjectOf(one.der) }] })
  const set = await loadCrls(t, authorities, [own, rootCrl])
  t.equal(wordFor(set.status([dave.x509, one.x509])), 'revoked')
})

t.test('an indirect CRL does not cover a certificate that does not name its issuer', async (t) => {
  const crl = makeCrl(lister, { scope: indirect, entries: [{ serial: '22', certificateIssuer: subjectOf(one.der) }] })
  const set = await loadCrls(t, authorities, [crl, rootCrl])
  t.equal(wordFor(set.status([dave.x509, one.x509])), 'good')
  t.equal(wordFor(set.status([dave.x509, one.x509], STRICT)), 'unknown')
})

t.test('a CRL of the named issuer does not count unless it is indirect', async (t) => {
  const set = await loadCrls(t, authorities, [makeCrl(lister, { entries: [{ serial: '11' }] }), rootCrl])
  t.equal(wordFor(set.status([alice.x509, one.x509])), 'good')
  t.equal(wordFor(set.status([alice.x509, one.x509], STRICT)), 'unknown')
})

t.test('a CRL of the named issuer under another anchor does not count', async (t) => {
  const crl = makeCrl(outsideLister, { scope: indirect, entries: [{ serial: '11', certificateIssuer: subjectOf(one.der) }] })
  const set = await loadCrls(t, [...authorities, outside, outsideLister], [crl, rootCrl])
  t.equal(wordFor(set.status([alice.x509, one.x509])), 'good')
  t.equal(wordFor(set.status([alice.x509, one.x509], STRICT)), 'unknown')
})

t.test('a CRL that names a distribution point covers only certificates that name it too', async (t) => {
  const named = async (name: string): ReturnType<typeof one.issue> => await one.issue({
    name: 'named', extensions: [namesPoints({ names: [uri(name)], crlIssuer: [directoryName(subjectOf(lister.der))] })]
  })
  const [right, wrong] = await Promise.all([named('http://crl.test/1'), named('http://crl.test/2')])
  const set = await loadCrls(t, authorities, [makeCrl(lister, { scope: scope({ indirect: true, names: [uri('http://crl.test/1')] }) }), rootCrl])
  t.equal(wordFor(set.status([right.x509, one.x509], STRICT)), 'good')
  t.equal(wordFor(set.status([wrong.x509, one.x509], STRICT)), 'unknown')
})

t.test('a distribution point that only the CRL names must have the name of the named issuer', async (t) => {
  const named = directoryName(subjectOf(lister.der))
  const right = await loadCrls(t, authorities, [makeCrl(lister, { scope: scope({ indirect: true, names: [named] }) }), rootCrl])
  t.equal(wordFor(right.status([alice.x509, one.x509], STRICT)), 'good')
  const wrong = await loadCrls(t, authorities, [makeCrl(lister, { scope: scope({ indirect: true, names: [directoryName(commonName('Another'))] }) }), rootCrl])
  t.equal(wordFor(wrong.status([alice.x509, one.x509], STRICT)), 'unknown')
})

t.test('an indirect CRL that an authority signs covers the authority\'s own certificates', async (t) => {
  const set = await loadCrls(t, authorities, [makeCrl(one, { scope: indirect }), rootCrl])
  t.equal(wordFor(set.status([dave.x509, one.x509], STRICT)), 'good')
})

t.test('a CRL whose issuer and signer have different names covers no client', async (t) => {
  const crl = makeCrl(lister, { issuer: commonName('Nobody'), keyId: keyIdOf(lister.der), scope: indirect, entries: [{ serial: '11', certificateIssuer: subjectOf(one.der) }] })
  const set = await loadCrls(t, authorities, [crl, rootCrl])
  t.equal(wordFor(set.status([alice.x509, one.x509])), 'good')
  t.equal(wordFor(set.status([alice.x509, one.x509], STRICT)), 'unknown')
})
