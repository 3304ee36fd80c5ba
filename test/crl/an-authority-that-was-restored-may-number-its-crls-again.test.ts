import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000
const root = await createAuthority({ name: 'Root' })
const eve = await root.issue({ name: 'eve' })
const listed = { entries: [{ serial: serialOf(eve.der) }] }

t.test('a CRL with a later date and a lower number revokes what it lists', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { number: 500, thisUpdate: new Date(Date.now() - 9 * DAY) }), makeCrl(root, { number: 1, thisUpdate: new Date(Date.now() - DAY), ...listed })])
  t.equal(wordFor(set.status([eve.x509])), 'revoked')
})

t.test('two CRLs with the same number and date both revoke, in either order of the files', async (t) => {
  const time = { number: 7, thisUpdate: new Date('2026-05-06T07:08:09Z') }
  for (const crls of [[makeCrl(root, time), makeCrl(root, { ...time, ...listed })], [makeCrl(root, { ...time, ...listed }), makeCrl(root, time)]]) {
    t.equal(wordFor((await loadCrls(t, [root], crls)).status([eve.x509])), 'revoked')
  }
})

t.test('a delta CRL with the number of its base releases no certificate', async (t) => {
  const thisUpdate = new Date(Date.now() - 2 * DAY)
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 3, thisUpdate, entries: [{ serial: serialOf(eve.der), reason: 6 }] }),
    makeCrl(root, { number: 3, base: 3, entries: [{ serial: serialOf(eve.der), reason: 8 }] })
  ])
  t.equal(wordFor(set.status([eve.x509])), 'revoked certificateHold')
})

t.test('a client that a delta CRL releases is good until that delta CRL expires', async (t) => {
  const nextUpdate = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY)
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 1, entries: [{ serial: serialOf(eve.der), reason: 6 }] }),
    makeCrl(root, { number: 2, base: 1, nextUpdate, entries: [{ serial: serialOf(eve.der), reason: 8 }] })
  ])
  t.same(set.status([eve.x509], STRICT), { status: 'good', goodUntil: nextUpdate })
})

t.test('a CRL that covers no client still puts the policy unknownStatus=deny into effect', async (t) => {
  const other = await createAuthority({ name: 'Other' })
  const set = await loadCrls(t, [root, other], [makeCrl(other)])
  t.equal(wordFor(set.status([eve.x509], STRICT)), 'unknown')
})
