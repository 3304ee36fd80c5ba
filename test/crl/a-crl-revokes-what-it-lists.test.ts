import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })

t.test('a certificate in a CRL is revoked, with its reason and date, and others are good', async (t) => {
  const revokedAt = new Date('2026-01-02T03:04:05Z')
  const crl = makeCrl(root, { entries: [{ serial: serialOf(alice.der), reason: 1, revokedAt }] })
  for (const content of [crl.pem, crl.der, `-- a comment\n${crl.pem}`]) {
    const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': content })
    const set = await loadRevocations({ list: `${folder}/revoked.txt`, authorities: [root.x509] })
    t.same(set.status([alice.x509]), {
      status: 'revoked',
      kind: 'crl',
      source: { list: `${folder}/revoked.txt`, line: 1, file: `${folder}/root.crl` },
      reason: 'keyCompromise',
      revokedAt,
      index: 0
    })
    t.same(set.status([bob.x509], { unknownStatus: 'deny' }), { status: 'good' })
    t.equal(set.size, 1)
  }
})
