import t from 'tap'
import { extension, loadCrls, makeCrl, scope, serialOf, STRICT, uri, wordFor, type CrlEntryOptions } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'
import type { RevocationPolicy } from '../../lib/revocation/index.js'

const root = await createAuthority({ name: 'Root' })
const renewed = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const serial = serialOf(alice.der)
const HOLD = { serial, reason: 6 }
const COMPROMISE = { serial, reason: 1 }
const REMOVE = { serial, reason: 8 }
const complete = (number: number, ...entries: CrlEntryOptions[]): { der: Buffer } => makeCrl(root, { number, entries })
const delta = (number: number, base: number, ...entries: CrlEntryOptions[]): { der: Buffer } => makeCrl(root, { number, base, entries })
const unknown = extension('1.3.6.1.4.1.99999.1', element(0x05), true)
const past = { thisUpdate: new Date('2026-01-01'), nextUpdate: new Date('2026-01-02') }
const future = { thisUpdate: new Date('2099-01-01'), nextUpdate: new Date('2099-01-02'), generalizedTime: true }

const cases: Array<{ name: string, crls: Array<{ der: Buffer }>, word: string, policy?: RevocationPolicy }> = [
  { name: 'a delta CRL revokes', crls: [complete(1), delta(2, 1, COMPROMISE)], word: 'revoked keyCompromise' },
  { name: 'a delta CRL gives a new reason', crls: [complete(1, HOLD), delta(2, 1, COMPROMISE)], word: 'revoked keyCompromise' },
  { name: 'removeFromCRL releases a hold', crls: [complete(1, HOLD), delta(2, 1, REMOVE)], word: 'good' },
  { name: 'removeFromCRL releases nothing but a hold', crls: [complete(1, COMPROMISE), delta(2, 1, REMOVE)], word: 'revoked keyCompromise' },
  { name: 'removeFromCRL releases nobody whose entry gives no reason', crls: [complete(1, { serial }), delta(2, 1, REMOVE)], word: 'revoked' },
  { name: 'removeFromCRL in a complete CRL un-revokes nobody', crls: [complete(1, REMOVE)], word: 'revoked removeFromCRL' },
  { name: 'if a delta CRL has hold and removeFromCRL, the hold counts', crls: [complete(1), delta(2, 1, REMOVE, HOLD)], word: 'revoked certificateHold' },
  { name: 'the newest delta CRL counts', crls: [complete(1), delta(2, 1, HOLD), delta(3, 1)], word: 'good' },
  { name: 'a delta CRL that builds on an older base than the complete CRL counts', crls: [complete(3), delta(4, 1, COMPROMISE)], word: 'revoked keyCompromise' },
  { name: 'a delta CRL that is older than the complete CRL has no effect', crls: [complete(3), delta(2, 1, COMPROMISE)], word: 'good' },
  { name: 'a delta CRL that is as old as the complete CRL has no effect', crls: [complete(2), delta(2, 1, COMPROMISE)], word: 'good' },
  { name: 'a delta CRL without its base revokes', crls: [complete(1), delta(6, 5, COMPROMISE)], word: 'revoked keyCompromise' },
  { name: 'a delta CRL without its base releases nobody', crls: [complete(1, HOLD), delta(6, 5, REMOVE)], word: 'revoked certificateHold' },
  { name: 'a delta CRL alone revokes', crls: [delta(2, 1, COMPROMISE)], word: 'revoked keyCompromise' },
  { name: 'a delta CRL alone proves nobody good', crls: [delta(2, 1)], word: 'unknown' },
  { name: 'two delta CRLs without their bases add up', crls: [complete(1), delta(4, 3, COMPROMISE), delta(6, 5)], word: 'revoked keyCompromise' },
  { name: 'of two delta CRLs without their common base, the newer counts', crls: [complete(1), delta(4, 3, HOLD), delta(5, 3)], word: 'good' },
  { name: 'a delta CRL that builds on the complete CRL counts beside a newer one that does not', crls: [complete(1), delta(2, 1, COMPROMISE), delta(6, 5)], word: 'revoked keyCompromise' },
  { name: 'a complete CRL without a number is the base of no delta CRL', crls: [makeCrl(root, { version: 1, entries: [HOLD], ...past }), delta(2, 1, REMOVE)], word: 'revoked certificateHold' },
  { name: 'a delta CRL of another scope releases nobody', crls: [complete(1, HOLD), makeCrl(root, { number: 2, base: 1, entries: [REMOVE], scope: scope({ names: [uri('http://crl.test')] }) })], word: 'revoked certificateHold' },
  { name: 'a delta CRL of another key of that name releases nobody', crls: [complete(1, HOLD), makeCrl(renewed, { number: 2, base: 1, entries: [REMOVE] })], word: 'revoked certificateHold' },
  { name: 'a delta CRL with a defect revokes', crls: [complete(1), makeCrl(root, { number: 2, base: 1, entries: [COMPROMISE], extensions: [unknown] })], word: 'revoked keyCompromise' },
  { name: 'a delta CRL with a defect releases nobody', crls: [complete(1, HOLD), makeCrl(root, { number: 2, base: 1, entries: [REMOVE], extensions: [unknown] })], word: 'revoked certificateHold' },
  { name: 'a delta CRL with a defect does not replace an older one', crls: [complete(1), delta(2, 1, COMPROMISE), makeCrl(root, { number: 3, base: 1, extensions: [unknown] })], word: 'revoked keyCompromise' },
  { name: 'a delta CRL with a defect does not replace an older one, also without their base', crls: [complete(1), delta(4, 3, COMPROMISE), makeCrl(root, { number: 5, base: 3, extensions: [unknown] })], word: 'revoked keyCompromise' },
  { name: 'a delta CRL that has expired revokes', crls: [complete(1), makeCrl(root, { number: 2, base: 1, entries: [COMPROMISE], ...past })], word: 'revoked keyCompromise' },
  { name: 'a delta CRL that has expired releases nobody where expired CRLs are denied', crls: [complete(1, HOLD), makeCrl(root, { number: 2, base: 1, entries: [REMOVE], ...past })], word: 'revoked certificateHold' },
  { name: 'a delta CRL that has expired releases where expired CRLs are used', crls: [complete(1, HOLD), makeCrl(root, { number: 2, base: 1, entries: [REMOVE], ...past })], word: 'good', policy: { unknownStatus: 'deny' } },
  { name: 'a delta CRL that is not yet valid revokes', crls: [complete(1), makeCrl(root, { number: 2, base: 1, entries: [COMPROMISE], ...future })], word: 'revoked keyCompromise' },
  { name: 'a delta CRL that is not yet valid releases nobody', crls: [complete(1, HOLD), makeCrl(root, { number: 2, base: 1, entries: [REMOVE], ...future })], word: 'revoked certificateHold', policy: {} },
  { name: 'a current delta CRL proves what its expired complete CRL no longer does', crls: [makeCrl(root, { number: 1, ...past }), delta(2, 1)], word: 'good' },
  { name: 'a delta CRL that is not yet valid does not', crls: [makeCrl(root, { number: 1, ...past }), makeCrl(root, { number: 2, base: 1, ...future })], word: 'unknown' },
  { name: 'a current delta CRL does not make a complete CRL valid before its time', crls: [makeCrl(root, { number: 1, ...future }), delta(2, 1)], word: 'unknown' }
]

for (const { name, crls, word, policy = STRICT } of cases) {
  t.test(name, async (t) => {
    const set = await loadCrls(t, [root, renewed], crls)
    t.equal(wordFor(set.status([alice.x509], policy)), word)
    const backwards = await loadCrls(t, [root, renewed], crls.toReversed())
    t.equal(wordFor(backwards.status([alice.x509], policy)), word, 'in any order of the files')
  })
}
