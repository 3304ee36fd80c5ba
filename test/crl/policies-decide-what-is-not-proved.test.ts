import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { loadRevocations, type RevocationPolicy } from '../../lib/revocation/index.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root })
const stranger = await createAuthority({ name: 'Stranger' })
const alice = await issuing.issue({ name: 'alice' })
const past = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-02-01') }
const NOW = new Date('2026-03-01T00:00:00Z')
const current = { thisUpdate: new Date('2026-02-01'), nextUpdate: new Date('2026-04-01') }
const notYet = { thisUpdate: new Date('2026-05-01'), nextUpdate: new Date('2026-06-01') }
const POLICIES: Record<string, RevocationPolicy> = { none: {}, 'unknownStatus=deny': { unknownStatus: 'deny' }, 'expiredCrl=deny': { expiredCrl: 'deny' }, both: STRICT }

// The status of alice under each policy; a current CRL of the root covers her intermediate.
const cases: Array<{ name: string, crl?: Parameters<typeof makeCrl>[1], words: string[] }> = [
  { name: 'a current CRL', crl: current, words: ['good', 'good', 'good', 'good'] },
  { name: 'an expired CRL', crl: past, words: ['good', 'good', 'unknown', 'unknown'] },
  { name: 'a CRL that is not yet valid', crl: notYet, words: ['good', 'good', 'unknown', 'unknown'] },
  { name: 'no CRL', words: ['good', 'unknown', 'good', 'unknown'] },
  { name: 'a current CRL that lists her', crl: { ...current, entries: [{ serial: serialOf(alice.der) }] }, words: ['revoked', 'revoked', 'revoked', 'revoked'] },
  { name: 'an expired CRL that lists her', crl: { ...past, entries: [{ serial: serialOf(alice.der) }] }, words: ['revoked', 'revoked', 'revoked', 'revoked'] },
  { name: 'a CRL that lists her and is not yet valid', crl: { ...notYet, entries: [{ serial: serialOf(alice.der) }] }, words: ['revoked', 'revoked', 'revoked', 'revoked'] }
]

for (const { name, crl, words } of cases) {
  t.test(`each policy decides with ${name}`, async (t) => {
    const set = await loadCrls(t, [root, issuing], [makeCrl(root, current), ...(crl === undefined ? [] : [makeCrl(issuing, crl)])], NOW)
    for (const [index, policy] of Object.keys(POLICIES).entries()) {
      t.equal(wordFor(set.status([alice.x509, issuing.x509], POLICIES[policy])), words[index], policy)
      t.equal(wordFor(set.status([alice.x509], POLICIES[policy])), words[index], `${policy}, the intermediate from the authorities`)
    }
  })
}

t.test('the policies have no effect while no CRL is in use', async (t) => {
  const folder = makeTestFolder(t, { 'none.pem': stranger.certificate })
  const set = await loadRevocations({ patterns: [`${folder}/*.pem`], authorities: [root.x509, issuing.x509] })
  t.equal(set.usesCrls, false)
  t.equal(wordFor(set.status([alice.x509, issuing.x509], STRICT)), 'good')
})

t.test('revocationDepth=leaf checks the client\'s own certificate only', async (t) => {
  const revoked = await loadCrls(t, [root, issuing], [makeCrl(root, { entries: [{ serial: serialOf(issuing.der), reason: 2 }] }), makeCrl(issuing)])
  const chain = [alice.x509, issuing.x509]
  t.match(revoked.status(chain, STRICT), { status: 'revoked', reason: 'cACompromise', index: 1 })
  t.equal(wordFor(revoked.status(chain, { revocationDepth: 'leaf' })), 'good')
  t.equal(wordFor(revoked.status(chain, { ...STRICT, revocationDepth: 'leaf' })), 'unknown', 'a revoked signer proves no certificate good')
  const uncovered = await loadCrls(t, [root, issuing], [makeCrl(issuing)])
  t.same(uncovered.status(chain, STRICT), { status: 'unknown', index: 1, isExpired: false })
  t.equal(wordFor(uncovered.status(chain, { ...STRICT, revocationDepth: 'leaf' })), 'good')
})

t.test('a revoked intermediate outranks an unknown leaf', async (t) => {
  const set = await loadCrls(t, [root, issuing], [makeCrl(root, { entries: [{ serial: serialOf(issuing.der) }] })])
  t.match(set.status([alice.x509, issuing.x509], STRICT), { status: 'revoked', index: 1 })
})

t.test('under unknownStatus=deny a chain that ends at no authority is unknown', async (t) => {
  const bob = await stranger.issue({ name: 'bob' })
  const set = await loadCrls(t, [root], [makeCrl(root)])
  t.equal(wordFor(set.status([bob.x509])), 'good')
  t.same(set.status([bob.x509], { unknownStatus: 'deny' }), { status: 'unknown', index: 0, isExpired: false })
  t.same(set.status([bob.x509, stranger.x509], STRICT), { status: 'unknown', index: 1, isExpired: false })
})

t.test('no CRL needs to cover the anchor, and a chain of the anchor alone is good', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: serialOf(root.der) }] })])
  t.equal(wordFor(set.status([root.x509], STRICT)), 'good')
  t.equal(wordFor(set.status([], STRICT)), 'good')
})

t.test('a cross-signed intermediate is good on a path where it is not revoked', async (t) => {
  const second = await createAuthority({ name: 'Second' })
  const cross = await createAuthority({ name: 'Issuing', issuer: second, keyPair: issuing.keyPair })
  const crls = [makeCrl(root, { entries: [{ serial: serialOf(issuing.der) }] }), makeCrl(second), makeCrl(issuing)]
  const set = await loadCrls(t, [root, second, issuing, cross], crls)
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'good')
  t.equal(wordFor(set.status([alice.x509, issuing.x509], STRICT)), 'revoked')
  t.equal(wordFor(set.status([alice.x509, cross.x509], STRICT)), 'good')
  const both = await loadCrls(t, [root, second, issuing, cross], [crls[0] as { der: Buffer }, makeCrl(issuing)])
  t.equal(wordFor(both.status([alice.x509], STRICT)), 'revoked', 'one path revoked, the other unknown')
})

t.test('status accepts certificates in DER or parsed, and anything else is an error', async (t) => {
  const set = await loadCrls(t, [root, issuing], [makeCrl(root), makeCrl(issuing, { entries: [{ serial: serialOf(alice.der) }] })])
  t.equal(wordFor(set.status([alice.der, issuing.der])), 'revoked')
  t.equal(wordFor(set.status([alice.der])), 'revoked')
  t.throws(() => set.status([Buffer.from('3003020100', 'hex')]), { code: 'FST_ENDPOINT_DER_INVALID' })
})
