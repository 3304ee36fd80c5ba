import t from 'tap'
import { loadCrls, makeCrl, rewriteCertificate, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'
import type { X509Certificate } from 'node:crypto'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })

function numbered (serial: string): X509Certificate {
  return rewriteCertificate(alice.der, root, (parts) => parts.with(1, element(0x02, Buffer.from(serial, 'hex'))))
}

const TWENTY = '7f0102030405060708090a0b0c0d0e0f10111213'
const same: Array<[name: string, certificate: string, entry: string]> = [
  ['zero', '00', '00'],
  ['one', '01', '01'],
  ['the top bit set', '0080', '0080'],
  ['negative', '80', '80'],
  ['minus one', 'ff', 'ff'],
  ['twenty bytes', TWENTY, TWENTY],
  ['twenty bytes and the top bit set', `00ff${TWENTY.slice(2)}`, `00ff${TWENTY.slice(2)}`],
  ['forty bytes', TWENTY + TWENTY, TWENTY + TWENTY],
  ['leading zeros in the CRL', '11', '000011'],
  ['a negative number with its sign repeated', '80', 'ffff80'],
  ['zero in many bytes', '00', '000000'],
  ['three bytes', '010203', '010203'],
  ['four bytes', '01020304', '01020304'],
  ['five bytes', '0102030405', '0102030405']
]

for (const [name, certificate, entry] of same) {
  t.test(`${name}: the certificate is revoked`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: '42' }, { serial: entry, reason: 1 }, { serial: '43' }] })])
    t.equal(wordFor(set.status([numbered(certificate)], STRICT)), 'revoked keyCompromise')
  })
}

const other: Array<[name: string, certificate: string, entry: string]> = [
  ['the same bytes with another sign', '0080', '80'],
  ['minus one and 255', 'ff', '00ff'],
  ['one zero byte appended', '11', '1100'],
  ['the beginning of another number', '0102', '010203'],
  ['zero and one', '00', '01']
]

for (const [name, certificate, entry] of other) {
  t.test(`${name}: the entry means another certificate`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: entry }] })])
    t.equal(wordFor(set.status([numbered(certificate)], STRICT)), 'good')
  })
}

t.test('the first entry counts for a serial number that is listed twice', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: '11', reason: 1 }, { serial: '0011', reason: 4 }, { serial: '11' }] })])
  t.equal(set.size, 1)
  t.equal(wordFor(set.status([numbered('11')])), 'revoked keyCompromise')
})

t.test('a serial number that is listed both as removed and as revoked is revoked', async (t) => {
  for (const entries of [[{ serial: '11', reason: 8 }, { serial: '11', reason: 1 }], [{ serial: '11', reason: 1 }, { serial: '11', reason: 8 }]]) {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries })])
    t.equal(wordFor(set.status([numbered('11')])), 'revoked keyCompromise')
  }
})

t.test('a lookup finds serial numbers of any length and does not confuse them', async (t) => {
  const long = `01${'00'.repeat(300)}`
  const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: long, reason: 1 }, { serial: `${long}01` }] })])
  t.equal(wordFor(set.status([numbered(long)])), 'revoked keyCompromise')
  t.equal(wordFor(set.status([numbered(`${long}01`)])), 'revoked')
  t.equal(wordFor(set.status([numbered(`${long}02`)])), 'good')
})

t.test('a lookup finds each of thousands of random serial numbers, and no other', async (t) => {
  const serials = Array.from({ length: 3000 }, (_, index) => `${(index * 2_654_435_761 % 2 ** 30 + 2 ** 30).toString(16)}${'5a'.repeat(index % 13)}`)
  const set = await loadCrls(t, [root], [makeCrl(root, { entries: serials.slice(0, 1500).map((serial) => ({ serial })) })])
  t.equal(set.size, 1500)
  t.ok(serials.slice(0, 1500).filter((_, index) => index % 50 === 0).every((serial) => set.status([numbered(serial)]).status === 'revoked'))
  t.ok(serials.slice(1500).filter((_, index) => index % 50 === 0).every((serial) => set.status([numbered(serial)]).status === 'good'))
})

for (const [reason, word] of [[0, 'unspecified'], [2, 'cACompromise'], [3, 'affiliationChanged'], [5, 'cessationOfOperation'], [7, 'unused'], [9, 'privilegeWithdrawn'], [10, 'aACompromise']] as const) {
  t.test(`reason ${reason} is ${word}`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: '11', reason }] })])
    t.equal(wordFor(set.status([numbered('11')])), `revoked ${word}`)
  })
}

for (const reason of [11, 127, 255]) {
  t.test(`the undefined reason ${reason} revokes without a reason`, async (t) => {
    const set = await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: '11', reason }] })])
    t.equal(wordFor(set.status([numbered('11')])), 'revoked')
  })
}
