import t from 'tap'
import { loadCrls, makeCrl, serialOf, wordFor } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const rootA = await createAuthority({ name: 'Root A' })
const rootB = await createAuthority({ name: 'Root B' })

t.test('a revoked client stays revoked if it sends a cross-certificate of its authority under another anchor', async (t) => {
  const authority = await createAuthority({ name: 'Issuing', issuer: rootA })
  const cross = await createAuthority({ name: 'Issuing', issuer: rootB, keyPair: authority.keyPair })
  const eve = await authority.issue({ name: 'eve' })
  const set = await loadCrls(t, [rootA, rootB, authority], [makeCrl(authority, { entries: [{ serial: serialOf(eve.der) }] })])
  t.equal(wordFor(set.status([eve.x509, authority.x509])), 'revoked')
  t.equal(wordFor(set.status([eve.x509, cross.x509])), 'revoked')
})
