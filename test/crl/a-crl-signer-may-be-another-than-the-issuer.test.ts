import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, KeyUsageFlags } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root, keyUsage: KeyUsageFlags.keyCertSign })
const usage = { name: 'Issuing', keyUsage: KeyUsageFlags.cRLSign }
/** Of the same name as the issuer, certified by the authority above it. */
const signer = await root.issue(usage)
const alice = await issuing.issue({ name: 'alice' })
const bob = await issuing.issue({ name: 'bob' })
const chain = { alice: [alice.x509, issuing.x509], bob: [bob.x509, issuing.x509] }
const entries = [{ serial: serialOf(alice.der) }]
const rootCrl = makeCrl(root)
const DAY = 24 * 60 * 60 * 1000

t.test('a key that signs CRLs alone, certified for the issuer\'s name, revokes and proves', async (t) => {
  const set = await loadCrls(t, [root, issuing, signer], [makeCrl(signer, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('one that the issuer itself has certified does too', async (t) => {
  const own = await issuing.issue(usage)
  const set = await loadCrls(t, [root, issuing, own], [makeCrl(own, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('one without keyUsage does too', async (t) => {
  const free = await root.issue({ ...usage, keyUsage: null })
  const set = await loadCrls(t, [root, issuing, free], [makeCrl(free, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('one without cRLSign signs no CRL', async (t) => {
  const unable = await root.issue({ ...usage, keyUsage: KeyUsageFlags.digitalSignature })
  await t.rejects(loadCrls(t, [root, issuing, unable], [makeCrl(unable, { entries })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /keyUsage without cRLSign/ })
})

t.test('one whose certificate is not among the authorities signs no CRL', async (t) => {
  await t.rejects(loadCrls(t, [root, issuing], [makeCrl(signer, { entries })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED' })
})

t.test('one that is certified under another anchor says nothing', async (t) => {
  const outside = await createAuthority({ name: 'Outside' })
  const stranger = await outside.issue(usage)
  const set = await loadCrls(t, [root, issuing, outside, stranger], [makeCrl(stranger, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice)), 'good')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'unknown')
})

t.test('one that no path leads to an anchor from says nothing', async (t) => {
  const outside = await createAuthority({ name: 'Outside' })
  const stranger = await outside.issue(usage)
  const set = await loadCrls(t, [root, issuing, stranger], [makeCrl(stranger, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice)), 'good')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'unknown')
})

t.test('one that a CRL revokes goes on revoking, and proves nobody good', async (t) => {
  const set = await loadCrls(t, [root, issuing, signer], [makeCrl(signer, { entries }), makeCrl(root, { entries: [{ serial: serialOf(signer.der) }] })])
  t.equal(wordFor(set.status(chain.alice)), 'revoked')
  t.equal(wordFor(set.status(chain.bob)), 'good')
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'unknown')
})

t.test('one below an authority that was revoked goes on revoking, and proves nobody good', async (t) => {
  const between = await createAuthority({ name: 'Between', issuer: root })
  const below = await between.issue(usage)
  const set = await loadCrls(t, [root, issuing, between, below], [makeCrl(below, { entries }), makeCrl(root, { entries: [{ serial: serialOf(between.der) }] })])
  t.equal(wordFor(set.status(chain.alice)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'unknown')
})

t.test('one whose certificate has expired goes on revoking, and proves nobody good where expired CRLs are denied', async (t) => {
  const expired = await root.issue({ ...usage, notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })
  const set = await loadCrls(t, [root, issuing, expired], [makeCrl(expired, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.same(set.status(chain.bob, STRICT), { status: 'unknown', index: 0, isExpired: true })
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'good')
})

t.test('a CRL proves nothing beyond the end of its signer\'s certificate', async (t) => {
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 2 * DAY)
  const short = await root.issue({ ...usage, notAfter })
  const set = await loadCrls(t, [root, issuing, short], [makeCrl(short), rootCrl])
  t.same(set.status(chain.bob, STRICT), { status: 'good', goodUntil: notAfter })
})

t.test('where one of two certificates of its key was revoked the other one stands', async (t) => {
  const again = await root.issue({ ...usage, keyPair: signer.keyPair })
  const set = await loadCrls(t, [root, issuing, signer, again], [makeCrl(signer, { entries }), makeCrl(root, { entries: [{ serial: serialOf(signer.der) }] })])
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('an authority with a new key signs for the certificates of its old one', async (t) => {
  const old = await createAuthority({ name: 'Rolled', issuer: root })
  const renewed = await createAuthority({ name: 'Rolled', issuer: root })
  const carol = await old.issue({ name: 'carol', serial: '11' })
  const set = await loadCrls(t, [root, old, renewed], [makeCrl(renewed, { entries: [{ serial: '11' }] }), rootCrl])
  t.equal(wordFor(set.status([carol.x509, old.x509], STRICT)), 'revoked')
  const dave = await old.issue({ name: 'dave', serial: '12' })
  t.equal(wordFor(set.status([dave.x509, old.x509], STRICT)), 'good')
})

t.test('a new key that the old one has certified signs for its certificates, also beside its last CRL', async (t) => {
  const old = await createAuthority({ name: 'Rolled', issuer: root })
  const renewed = await createAuthority({ name: 'Rolled', issuer: old })
  const carol = await old.issue({ name: 'carol', serial: '11' })
  const set = await loadCrls(t, [root, old, renewed], [makeCrl(old), makeCrl(renewed, { entries: [{ serial: '11' }] }), rootCrl])
  t.equal(wordFor(set.status([carol.x509, old.x509], STRICT)), 'revoked')
})
