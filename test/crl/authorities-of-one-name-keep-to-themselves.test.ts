import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, KeyUsageFlags, type Authority } from '../support/pki.js'

const rootA = await createAuthority({ name: 'Root A' })
const rootB = await createAuthority({ name: 'Root B' })
const past = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-01-02') }

/** Two tenants whose sub-authorities have one name, each with a client of the same serial number. */
for (const { where, above } of [{ where: 'under two anchors', above: [rootA, rootB] }, { where: 'under one anchor', above: [rootA, rootA] }]) {
  const [a, b] = await Promise.all(above.map((issuer) => createAuthority({ name: 'Tenant', issuer }))) as [Authority, Authority]
  const authorities = [rootA, rootB, a, b]
  const rootCrls = [makeCrl(rootA), makeCrl(rootB)]
  const alice = await a.issue({ name: 'alice', serial: '11' })
  const bob = await b.issue({ name: 'bob', serial: '11' })
  const chain = { alice: [alice.x509, a.x509], bob: [bob.x509, b.x509] }

  t.test(`${where} an empty CRL with a higher number removes nothing from the CRL of a namesake`, async (t) => {
    for (const options of [{}, { thisUpdate: new Date(Date.now() - 1000) }]) {
      const set = await loadCrls(t, authorities, [makeCrl(a, { number: 1, entries: [{ serial: '11' }] }), makeCrl(b, { number: 99, ...options }), ...rootCrls])
      t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
    }
  })

  t.test(`${where} the serial numbers in a CRL do not revoke certificates of a namesake`, async (t) => {
    const set = await loadCrls(t, authorities, [makeCrl(a, { entries: [{ serial: '11' }] }), makeCrl(b), ...rootCrls])
    t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
  })

  t.test(`${where} a delta CRL does not change the CRL of a namesake`, async (t) => {
    const hold = makeCrl(a, { number: 1, entries: [{ serial: '11', reason: 6 }] })
    const set = await loadCrls(t, authorities, [hold, makeCrl(b, { number: 2, base: 1, entries: [{ serial: '11', reason: 8 }] }), ...rootCrls])
    t.equal(wordFor(set.status(chain.alice)), 'revoked certificateHold')
  })

  t.test(`${where} a CRL signer of one authority does not count for a namesake`, async (t) => {
    const [signerA, signerB] = await Promise.all([a, b].map((tenant) => tenant.issue({ name: 'Tenant', keyUsage: KeyUsageFlags.cRLSign, serial: '77' })))
    const all = [...authorities, signerA, signerB] as Authority[]
    const set = await loadCrls(t, all, [makeCrl(signerA as Authority, { entries: [{ serial: '11' }] }), makeCrl(signerB as Authority), ...rootCrls])
    t.equal(wordFor(set.status(chain.alice, STRICT)), 'revoked')
    t.equal(wordFor(set.status(chain.bob, STRICT)), 'good')
    const revoking = await loadCrls(t, all, [makeCrl(signerA as Authority), makeCrl(a), makeCrl(b, { entries: [{ serial: '77' }] }), ...rootCrls])
    t.equal(wordFor(revoking.status(chain.alice, STRICT)), 'good', 'the other tenant cannot revoke a signer')
  })
}

t.test('an authority without a CRL is not covered by the CRL of a namesake under another anchor', async (t) => {
  const [a, b] = await Promise.all([rootA, rootB].map((issuer) => createAuthority({ name: 'Tenant', issuer }))) as [Authority, Authority]
  const bob = await b.issue({ name: 'bob', serial: '11' })
  const set = await loadCrls(t, [rootA, rootB, a, b], [makeCrl(a, { entries: [{ serial: '11' }] }), makeCrl(rootB)])
  t.equal(wordFor(set.status([bob.x509, b.x509])), 'good')
  t.equal(wordFor(set.status([bob.x509, b.x509], STRICT)), 'unknown')
})

t.test('an expired CRL still revokes beside the current CRL of a namesake under the same anchor', async (t) => {
  const [a, b] = await Promise.all([rootA, rootA].map((issuer) => createAuthority({ name: 'Tenant', issuer }))) as [Authority, Authority]
  const alice = await a.issue({ name: 'alice' })
  const set = await loadCrls(t, [rootA, a, b], [makeCrl(a, { ...past, entries: [{ serial: serialOf(alice.der) }] }), makeCrl(b), makeCrl(rootA)])
  t.equal(wordFor(set.status([alice.x509, a.x509], STRICT)), 'revoked')
})

t.test('the CRL of a namesake under the same anchor proves no client good in the place of an expired CRL', async (t) => {
  const a = await createAuthority({ name: 'Tenant', issuer: rootA })
  const b = await createAuthority({ name: 'Tenant', issuer: rootA })
  const alice = await a.issue({ name: 'alice' })
  const set = await loadCrls(t, [rootA, a, b], [makeCrl(a, past), makeCrl(b), makeCrl(rootA)])
  t.equal(wordFor(set.status([alice.x509, a.x509], STRICT)), 'unknown')
})
