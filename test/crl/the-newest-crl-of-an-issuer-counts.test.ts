import t from 'tap'
import { loadCrls, makeCrl, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice', serial: '11' })
const entries = [{ serial: '11' }]
const [older, newer] = [new Date('2026-01-01'), new Date('2026-01-02')]
const HUGE = 2n ** 158n

const cases: Array<{ name: string, listing: Parameters<typeof makeCrl>[1], empty: Parameters<typeof makeCrl>[1], word: 'good' | 'revoked' }> = [
  { name: 'the higher number counts', listing: { number: 1 }, empty: { number: 2 }, word: 'good' },
  { name: 'the higher number counts, with any dates', listing: { number: 2, thisUpdate: older }, empty: { number: 1, thisUpdate: newer }, word: 'revoked' },
  { name: 'numbers of twenty bytes are compared in full', listing: { number: HUGE }, empty: { number: HUGE + 1n }, word: 'good' },
  { name: 'with one number the newer date counts', listing: { number: 1, thisUpdate: older }, empty: { number: 1, thisUpdate: newer }, word: 'good' },
  { name: 'in version 1 the newer date counts', listing: { version: 1, thisUpdate: older }, empty: { version: 1, thisUpdate: newer }, word: 'good' },
  { name: 'in version 1 the older date does not', listing: { version: 1, thisUpdate: newer }, empty: { version: 1, thisUpdate: older }, word: 'revoked' },
  { name: 'without a number on both sides the newer date counts', listing: { version: 1, thisUpdate: older }, empty: { number: 1, thisUpdate: newer }, word: 'good' }
]

for (const { name, listing, empty, word } of cases) {
  t.test(`the newest of several CRLs of one issuer counts: ${name}`, async (t) => {
    const crls = [makeCrl(root, { ...listing, entries }), makeCrl(root, empty)]
    for (const order of [crls, crls.toReversed()]) t.equal(wordFor((await loadCrls(t, [root], order)).status([alice.x509])), word)
  })
}

t.test('a CRL that several files hold counts once', async (t) => {
  const crl = makeCrl(root, { entries })
  t.equal((await loadCrls(t, [root], [crl, crl, crl])).size, 1)
})
