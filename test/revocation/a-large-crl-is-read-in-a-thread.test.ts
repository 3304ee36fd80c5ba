import { join } from 'node:path'
import t from 'tap'
import { loadRevocations } from '../../lib/revocation/index.js'
import { serialOf } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'
import { threadsDuring } from '../support/threads.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })
const revokedAt = new Date('2026-01-02T03:04:05Z')
const large = makeLargeCrl(root, { count: 40_000, include: [serialOf(alice.der)] })
const small = makeLargeCrl(root, { count: 10, include: [serialOf(alice.der)] })

for (const [form, content] of [['PEM', large.pem], ['DER', large.der]] as const) {
  t.test(`a large CRL as ${form} gives the same result from a thread as from the main thread`, async (t) => {
    const folder = makeTestFolder(t, { 'revoked.txt': 'root.crl\n', 'root.crl': content })
    const { result: set, threads } = await threadsDuring(() => loadRevocations({ list: join(folder, 'revoked.txt'), authorities: [root.x509] }))
    t.equal(threads.length, 1)
    t.equal(set.size, 40_001)
    t.same(set.status([alice.x509]), {
      status: 'revoked',
      kind: 'crl',
      source: { list: join(folder, 'revoked.txt'), line: 1, file: join(folder, 'root.crl') },
      reason: 'keyCompromise',
      revokedAt,
      index: 0
    })
    t.same(set.status([bob.x509], { unknownStatus: 'deny' }), { status: 'good' })
  })
}

t.test('each entry of a large CRL is found, with and without a reason', async (t) => {
  const folder = makeTestFolder(t, { 'root.crl': large.der })
  const set = await loadRevocations({ patterns: [join(folder, 'root.crl')], authorities: [root.x509] })
  const statuses = await Promise.all([0, 1, 7, 8, 20_000, 39_999].map(async (index) => {
    const { x509 } = await root.issue({ name: 'any', serial: large.serial(index).toString('hex') })
    return set.status([x509])
  }))
  const [known, none] = [{ reason: 'keyCompromise', revokedAt }, { reason: undefined, revokedAt }]
  t.match(statuses, [known, none, none, known, known, none])
})

t.test('one thread reads all large CRLs, including concurrent reads', async (t) => {
  const folder = makeTestFolder(t, { 'a.crl': large.der, 'b.crl': large.pem, 'c.crl': large.der })
  const { result: set, threads } = await threadsDuring(() => loadRevocations({ patterns: [join(folder, '*.crl')], authorities: [root.x509] }))
  t.equal(threads.length, 1)
  t.equal(set.size, 40_001)
})

t.test('a small CRL is read without a thread', async (t) => {
  const folder = makeTestFolder(t, { 'root.crl': small.der })
  const { threads } = await threadsDuring(() => loadRevocations({ patterns: [join(folder, 'root.crl')], authorities: [root.x509] }))
  t.equal(threads.length, 0)
})
