import t from 'tap'
import { loadCrls, makeCrl, serialOf, STRICT, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000
const root = await createAuthority({ name: 'Root' })
const eve = await root.issue({ name: 'eve' })
const listed = { entries: [{ serial: serialOf(eve.der) }] }

t.test('counts its CRLs anew: one of a later time revokes what it lists, though its number is lower', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { number: 500, thisUpdate: new Date(Date.now() - 9 * DAY) }), makeCrl(root, { number: 1, thisUpdate: new Date(Date.now() - DAY), ...listed })])
  t.equal(wordFor(set.status([eve.x509])), 'revoked')
})

t.test('of two CRLs with one number and one time both revoke, whatever the order of the files', async (t) => {
  const time = { number: 7, thisUpdate: new Date('2026-05-06T07:08:09Z') }
  for (const crls of [[makeCrl(root, time), makeCrl(root, { ...time, ...listed })], [makeCrl(root, { ...time, ...listed }), makeCrl(root, time)]]) {
    t.equal(wordFor((await loadCrls(t, [root], crls)).status([eve.x509])), 'revoked')
  }
})

t.test('a delta CRL of its base\'s own number releases nobody', async (t) => {
  const thisUpdate = new Date(Date.now() - 2 * DAY)
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 3, thisUpdate, entries: [{ serial: serialOf(eve.der), reason: 6 }] }),
    makeCrl(root, { number: 3, base: 3, entries: [{ serial: serialOf(eve.der), reason: 8 }] })
  ])
  t.equal(wordFor(set.status([eve.x509])), 'revoked certificateHold')
})

t.test('who was released by a delta CRL is good for as long as that holds', async (t) => {
  const nextUpdate = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY)
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 1, entries: [{ serial: serialOf(eve.der), reason: 6 }] }),
    makeCrl(root, { number: 2, base: 1, nextUpdate, entries: [{ serial: serialOf(eve.der), reason: 8 }] })
  ])
  t.same(set.status([eve.x509], STRICT), { status: 'good', goodUntil: nextUpdate })
})

t.test('under deny a CRL that is about nobody is in use all the same', async (t) => {
  const other = await createAuthority({ name: 'Other' })
  const set = await loadCrls(t, [root, other], [makeCrl(other)])
  t.equal(wordFor(set.status([eve.x509], STRICT)), 'unknown')
})
