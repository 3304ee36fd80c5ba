import t from 'tap'
import { loadCrls, makeCrl, scope, serialOf, STRICT, uri, wordFor, type CrlOptions } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000
const root = await createAuthority({ name: 'Root' })
// An authority with a new key, which also signs the CRL for its older certificates.
const old = await createAuthority({ name: 'CA', issuer: root })
const renewed = await createAuthority({ name: 'CA', issuer: root })
const eve = await old.issue({ name: 'eve' })
const chain = [eve.x509, old.x509]
const revoking = makeCrl(renewed, { number: 9, entries: [{ serial: serialOf(eve.der), revokedAt: new Date(Date.now() - 2 * DAY) }] })

const leftovers: Array<[name: string, options: CrlOptions]> = [
  ['that is older than the revocation', { thisUpdate: new Date(Date.now() - 60 * DAY) }],
  ['about attribute certificates', { scope: scope({ onlyAttribute: true }) }],
  ['about authorities', { scope: scope({ onlyAuthority: true }) }],
  ['for some reasons', { scope: scope({ reasons: [2] }) }],
  ['of a distribution point', { scope: scope({ names: [uri('http://crl.test/1')] }) }],
  ['with a defect', { number: null }],
  ['that is not yet valid', { thisUpdate: new Date(Date.now() + 3 * DAY) }]
]
for (const [name, options] of leftovers) {
  t.test(`a CRL of the old key ${name} hides no revocation that the new key has signed`, async (t) => {
    const set = await loadCrls(t, [root, old, renewed], [makeCrl(root), revoking, makeCrl(old, { number: 3, ...options })])
    t.equal(wordFor(set.status(chain)), 'revoked')
    t.equal(wordFor(set.status(chain, STRICT)), 'revoked')
  })
}

t.test('a later CRL of the key that issued a certificate counts more than an earlier CRL of the other key', async (t) => {
  const set = await loadCrls(t, [root, old, renewed], [makeCrl(root), revoking, makeCrl(old, { number: 3, thisUpdate: new Date(Date.now() - DAY) })])
  t.equal(wordFor(set.status(chain)), 'good')
})

t.test('under unknownStatus=deny the CRL of an authority does not prove good a client of an impostor with its name', async (t) => {
  const tenant = await createAuthority({ name: 'Other tenant', issuer: root })
  const fake = await createAuthority({ name: 'CA', issuer: tenant })
  const mallory = await fake.issue({ name: 'mallory' })
  const set = await loadCrls(t, [root, tenant, old], [makeCrl(root), makeCrl(tenant), makeCrl(old)])
  t.equal(wordFor(set.status([mallory.x509, fake.x509, tenant.x509], STRICT)), 'unknown')
})
