import t from 'tap'
import { commonName, commonNameAttribute, directoryName, loadCrls, makeCrl, namesPoints, scope, STRICT, subjectOf, uri, wordFor, type ScopeOptions } from '../support/crl.js'
import { createAuthority, element, type Extension } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const URI_1 = uri('http://crl.test/1')
const URI_2 = uri('http://crl.test/2')
const name = (text: string, tag?: number): Buffer => directoryName(commonName(text, tag))
/** The name of the root with one more part. */
const below = (text: string): Buffer => {
  const rdns = subjectOf(root.der).subarray(2)
  return directoryName(element(0x30, rdns, element(0x31, commonNameAttribute(text))))
}

const cases: Array<{ name: string, certificate?: Extension, crl: ScopeOptions, word: 'good' | 'unknown' }> = [
  { name: 'the same URI', certificate: namesPoints({ names: [URI_1] }), crl: { names: [URI_1] }, word: 'good' },
  { name: 'another URI', certificate: namesPoints({ names: [URI_1] }), crl: { names: [URI_2] }, word: 'unknown' },
  { name: 'a URI in other letters', certificate: namesPoints({ names: [URI_1] }), crl: { names: [uri('http://CRL.test/1')] }, word: 'unknown' },
  { name: 'the same text as a name of another kind', certificate: namesPoints({ names: [URI_1] }), crl: { names: [element(0x82, Buffer.from('http://crl.test/1'))] }, word: 'unknown' },
  { name: 'one of several URIs', certificate: namesPoints({ names: [URI_1, URI_2] }), crl: { names: [uri('ldap://crl.test'), URI_2] }, word: 'good' },
  { name: 'the second of several points', certificate: namesPoints({ names: [URI_1] }, { names: [URI_2] }), crl: { names: [URI_2] }, word: 'good' },
  { name: 'the same directory name', certificate: namesPoints({ names: [name('Part')] }), crl: { names: [name('Part')] }, word: 'good' },
  { name: 'the same directory name in another spelling', certificate: namesPoints({ names: [name('Part  1')] }), crl: { names: [name('PART 1', 0x1e)] }, word: 'good' },
  { name: 'another directory name', certificate: namesPoints({ names: [name('Part')] }), crl: { names: [name('Other part')] }, word: 'unknown' },
  { name: 'the same relative name', certificate: namesPoints({ relativeName: commonNameAttribute('Part') }), crl: { relativeName: commonNameAttribute('Part') }, word: 'good' },
  { name: 'a relative name that gives the same full name', certificate: namesPoints({ names: [below('Part')] }), crl: { relativeName: commonNameAttribute('Part') }, word: 'good' },
  { name: 'a full name that is the same as a relative one', certificate: namesPoints({ relativeName: commonNameAttribute('part') }), crl: { names: [below('Part')] }, word: 'good' },
  { name: 'another relative name', certificate: namesPoints({ relativeName: commonNameAttribute('Part') }), crl: { relativeName: commonNameAttribute('Other') }, word: 'unknown' },
  { name: 'a relative name that is relative to another issuer', certificate: namesPoints({ relativeName: commonNameAttribute('Part'), crlIssuer: [name('Lister')] }), crl: { relativeName: commonNameAttribute('Part') }, word: 'unknown' },
  { name: 'no point in the CRL', certificate: namesPoints({ names: [URI_1] }), crl: { onlyUser: true }, word: 'good' },
  { name: 'no point in the certificate', crl: { names: [URI_1] }, word: 'unknown' },
  { name: 'no point in the certificate, and the issuer\'s name in the CRL', crl: { names: [directoryName(subjectOf(root.der))] }, word: 'good' }
]

for (const { name, certificate, crl, word } of cases) {
  t.test(`${name}: ${word}`, async (t) => {
    const alice = await root.issue({ name: 'alice', serial: '11', extensions: certificate === undefined ? [] : [certificate] })
    const set = await loadCrls(t, [root], [makeCrl(root, { scope: scope(crl) })])
    t.equal(wordFor(set.status([alice.x509], STRICT)), word)
    // An issuer uses a serial number once, so any CRL of the issuer that lists it means this certificate.
    const revoking = await loadCrls(t, [root], [makeCrl(root, { scope: scope(crl), entries: [{ serial: '11' }] })])
    t.equal(wordFor(revoking.status([alice.x509], STRICT)), 'revoked')
  })
}

t.test('a newer CRL of one partition removes nothing from the CRL of another', async (t) => {
  const alice = await root.issue({ name: 'alice', serial: '11', extensions: [namesPoints({ names: [URI_1] })] })
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 1, scope: scope({ names: [URI_1] }), entries: [{ serial: '11' }] }),
    makeCrl(root, { number: 2, scope: scope({ names: [URI_2] }) }),
    makeCrl(root, { number: 3 })
  ])
  t.equal(wordFor(set.status([alice.x509])), 'revoked')
})
