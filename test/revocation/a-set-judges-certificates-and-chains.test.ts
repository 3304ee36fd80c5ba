import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { createAuthority, flipSignature } from '../support/pki.js'
import type { CertificateIdentity } from '../../types/revocation.js'
import type { RevocationEntry } from '../../lib/revocation/set/keys.js'

const root = await createAuthority({ name: 'Root' })
const intermediate = await createAuthority({ name: 'Intermediate', issuer: root })
const alice = await intermediate.issue({ name: 'alice' })
const bob = await intermediate.issue({ name: 'bob' })
const LOADED_AT = new Date('2030-01-02T03:04:05Z')

function setOf (...entries: Array<[keyof CertificateIdentity, { der: Buffer }]>): RevocationSet {
  return new RevocationSet({
    entries: entries.map(([kind, { der }], index): RevocationEntry => (
      { kind, value: identifyCertificate(der)[kind], source: { list: 'list.txt', line: index + 1 } }
    )),
    loadedAt: LOADED_AT,
    authorities: new Authorities([root.x509, intermediate.der])
  })
}

t.test('each kind of entry is found, with its source', async (t) => {
  for (const kind of ['tbs', 'serial', 'spki'] as const) {
    const set = setOf([kind, alice])
    t.same(set.find(identifyCertificate(alice.der)), { kind, source: { list: 'list.txt', line: 1 } })
    t.same(set.find(identifyCertificate(flipSignature(alice.der))), { kind, source: { list: 'list.txt', line: 1 } })
    t.equal(set.find(identifyCertificate(bob.der)), undefined)
  }
})

t.test('an entry of one kind does not match another kind', async (t) => {
  const { tbs } = identifyCertificate(alice.der)
  const set = new RevocationSet({ entries: [{ kind: 'spki', value: tbs, source: {} }], loadedAt: LOADED_AT })
  t.equal(set.find(identifyCertificate(alice.der)), undefined)
})

t.test('a chain is revoked by any of its certificates', async (t) => {
  const chain = [alice.x509, intermediate.der, root.x509]
  t.same(setOf().status(chain), { status: 'good' })
  t.same(setOf(['tbs', alice]).status(chain), { status: 'revoked', kind: 'tbs', source: { list: 'list.txt', line: 1 }, index: 0 })
  t.same(setOf(['tbs', bob], ['spki', intermediate]).status(chain), { status: 'revoked', kind: 'spki', source: { list: 'list.txt', line: 2 }, index: 1 })
})

t.test('only the leaf counts where the policy says so', async (t) => {
  const chain = [alice.der, intermediate.der]
  t.same(setOf(['tbs', intermediate]).status(chain, { revocationDepth: 'leaf' }), { status: 'good' })
  t.match(setOf(['tbs', intermediate]).status(chain, { revocationDepth: 'chain' }), { status: 'revoked' })
  t.match(setOf(['tbs', alice]).status(chain, { revocationDepth: 'leaf' }), { status: 'revoked' })
})

t.test('a trust anchor is never revoked, but an intermediate among the authorities is', async (t) => {
  t.same(setOf(['tbs', root]).status([alice.der, intermediate.der, root.der]), { status: 'good' })
  t.match(setOf(['tbs', intermediate]).status([alice.der, intermediate.der, root.der]), { status: 'revoked', index: 1 })
  t.match(setOf(['tbs', root]).status([root.der]), { status: 'good' })
})

t.test('bytes that are not a certificate have no status', async (t) => {
  t.throws(() => setOf().status([Buffer.from('hello')]), { code: 'FST_ENDPOINT_DER_INVALID' })
})

t.test('an entry named twice counts once, and its first source is reported', async (t) => {
  const set = setOf(['tbs', alice], ['tbs', alice], ['serial', alice])
  t.equal(set.size, 2)
  t.match(set.find(identifyCertificate(alice.der)), { source: { line: 1 } })
})

t.test('loadedAt is the given time', async (t) => {
  t.equal(setOf().loadedAt, LOADED_AT)
})
