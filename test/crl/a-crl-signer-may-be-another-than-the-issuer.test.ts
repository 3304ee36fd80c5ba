import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, KeyUsageFlags } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const issuing = await createAuthority({ name: 'Issuing', issuer: root, keyUsage: KeyUsageFlags.keyCertSign })
const usage = { name: 'Issuing', keyUsage: KeyUsageFlags.cRLSign }
/** A CRL signer with the name of the issuer, certified by the authority above it. */
const signer = await root.issue(usage)
const alice = await issuing.issue({ name: 'alice' })
const bob = await issuing.issue({ name: 'bob' })
const chain = { alice: [alice.x509, issuing.x509], bob: [bob.x509, issuing.x509] }
const entries = [{ serial: serialOf(alice.der) }]
const rootCrl = makeCrl(root)
const DAY = 24 * 60 * 60 * 1000

t.test('a CRL signer with the issuer\'s name revokes certificates and proves them good', async (t) => {
  const set = await loadCrls(t, [root, issuing, signer], [makeCrl(signer, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('a CRL signer that the issuer itself has certified does too', async (t) => {
  const own = await issuing.issue(usage)
  const set = await loadCrls(t, [root, issuing, own], [makeCrl(own, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('a CRL signer without keyUsage does too', async (t) => {
  const free = await root.issue({ ...usage, keyUsage: null })
  const set = await loadCrls(t, [root, issuing, free], [makeCrl(free, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('a certificate without cRLSign signs no CRL', async (t) => {
  const unable = await root.issue({ ...usage, keyUsage: KeyUsageFlags.digitalSignature })
  await t.rejects(loadCrls(t, [root, issuing, unable], [makeCrl(unable, { entries })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /keyUsage without cRLSign/ })
})

t.test('a CRL signer that is not among the authorities signs no CRL', async (t) => {
  await t.rejects(loadCrls(t, [root, issuing], [makeCrl(signer, { entries })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED' })
})

t.test('the CRL of a signer under another anchor does not count', async (t) => {
  const outside = await createAuthority({ name: 'Outside' })
  const stranger = await outside.issue(usage)
  const set = await loadCrls(t, [root, issuing, outside, stranger], [makeCrl(stranger, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice)), 'good')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'unknown')
})

t.test('the CRL of a signer without a path to an anchor does not count', async (t) => {
  const outside = await createAuthority({ name: 'Outside' })
  const stranger = await outside.issue(usage)
  const set = await loadCrls(t, [root, issuing, stranger], [makeCrl(stranger, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice)), 'good')
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'unknown')
})

t.test('the CRL of a revoked signer still revokes, but proves no client good', async (t) => {
  const set = await loadCrls(t, [root, issuing, signer], [makeCrl(signer, { entries }), makeCrl(root, { entries: [{ serial: serialOf(signer.der) }] })])
  t.equal(wordFor(set.status(chain.alice)), 'revoked')
  t.equal(wordFor(set.status(chain.bob)), 'good')
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'unknown')
})

t.test('the CRL of a signer below a revoked authority still revokes, but proves no client good', async (t) => {
  const between = await createAuthority({ name: 'Between', issuer: root })
  const below = await between.issue(usage)
  const set = await loadCrls(t, [root, issuing, between, below], [makeCrl(below, { entries }), makeCrl(root, { entries: [{ serial: serialOf(between.der) }] })])
  t.equal(wordFor(set.status(chain.alice)), 'revoked')
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'unknown')
})

t.test('the CRL of an expired signer still revokes, but proves no client good under expiredCrl=deny', async (t) => {
  const expired = await root.issue({ ...usage, notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY) })
  const set = await loadCrls(t, [root, issuing, expired], [makeCrl(expired, { entries }), rootCrl])
  t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
  t.same(set.status(chain.bob, STRICT), { status: 'unknown', index: 0, isExpired: true })
  t.equal(wordFor(set.status(chain.bob, { unknownStatus: 'deny' })), 'good')
})

t.test('a CRL proves nothing after its signer\'s certificate expires', async (t) => {
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 2 * DAY)
  const short = await root.issue({ ...usage, notAfter })
  const set = await loadCrls(t, [root, issuing, short], [makeCrl(short), rootCrl])
  t.same(set.status(chain.bob, STRICT), { status: 'good', goodUntil: notAfter })
})

t.test('a signer with two certificates still counts if one of them is revoked', async (t) => {
  const again = await root.issue({ ...usage, keyPair: signer.keyPair })
  const set = await loadCrls(t, [root, issuing, signer, again], [makeCrl(signer, { entries }), makeCrl(root, { entries: [{ serial: serialOf(signer.der) }] })])
  t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
})

t.test('an authority with a new key signs CRLs for the certificates of its old key', async (t) => {
  const old = await createAuthority({ name: 'Rolled', issuer: root })
  const renewed = await createAuthority({ name: 'Rolled', issuer: root })
  const carol = await old.issue({ name: 'carol', serial: '11' })
  const set = await loadCrls(t, [root, old, renewed], [makeCrl(renewed, { entries: [{ serial: '11' }] }), rootCrl])
  t.equal(wordFor(set.status([carol.x509, old.x509], STRICT)), 'revoked')
  const dave = await old.issue({ name: 'dave', serial: '12' })
  t.equal(wordFor(set.status([dave.x509, old.x509], STRICT)), 'good')
})

t.test('a new key that the old key has certified signs CRLs for the old certificates, even beside the last CRL of the old key', async (t) => {
  const old = await createAuthority({ name: 'Rolled', issuer: root })
  const renewed = await createAuthority({ name: 'Rolled', issuer: old })
  const carol = await old.issue({ name: 'carol', serial: '11' })
  const set = await loadCrls(t, [root, old, renewed], [makeCrl(old), makeCrl(renewed, { entries: [{ serial: '11' }] }), rootCrl])
  t.equal(wordFor(set.status([carol.x509, old.x509], STRICT)), 'revoked')
})
