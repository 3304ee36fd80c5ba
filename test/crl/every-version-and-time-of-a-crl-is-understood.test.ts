import t from 'tap'
import { loadCrls, makeCrl, STRICT, wordFor } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice', serial: '11' })
const bob = await root.issue({ name: 'bob', serial: '22' })

t.test('a CRL of version 1 revokes clients and proves them good', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { version: 1, entries: [{ serial: '11' }] })])
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'revoked')
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'good')
})

t.test('a CRL without entries proves clients good', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root)])
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'good')
})

t.test('a CRL without nextUpdate never expires', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, { nextUpdate: null, entries: [{ serial: '11' }] })])
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'revoked')
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'good')
  t.equal(wordFor(set.status([bob.x509], { expiredCrl: 'deny' })), 'good')
  t.equal(wordFor(set.status([bob.x509], { unknownStatus: 'deny' })), 'good')
})

/** UTCTime and GeneralizedTime: the text in the CRL, and its meaning. */
const times: Array<[tag: number, text: string, means: string]> = [
  [0x17, '500101000000Z', '1950-01-01T00:00:00Z'],
  [0x17, '991231235959Z', '1999-12-31T23:59:59Z'],
  [0x17, '000229120000Z', '2000-02-29T12:00:00Z'],
  [0x17, '491231235959Z', '2049-12-31T23:59:59Z'],
  [0x18, '19491231235959Z', '1949-12-31T23:59:59Z'],
  [0x18, '19700101000000Z', '1970-01-01T00:00:00Z'],
  [0x18, '20260301000000Z', '2026-03-01T00:00:00Z'],
  [0x18, '20500101000000Z', '2050-01-01T00:00:00Z'],
  [0x18, '99991231235959Z', '9999-12-31T23:59:59Z'],
  [0x18, '00000101000000Z', '0000-01-01T00:00:00Z']
]

for (const [tag, text, means] of times) {
  t.test(`the revocation date ${text} is ${means}`, async (t) => {
    const set = await loadCrls(t, [root], [revokedAt(tag, text)])
    t.same(set.status([alice.x509]), { ...set.status([alice.x509]), status: 'revoked', revokedAt: new Date(means) })
  })
}

/** Dates that RFC 5280 does not allow, and their meaning; undefined if they are unreadable. */
const oddTimes: Array<[tag: number, text: string, means?: string]> = [
  [0x17, '2601010000Z', '2026-01-01T00:00:00Z'],
  [0x17, '260101000000+0130', '2025-12-31T22:30:00Z'],
  [0x17, '260101000000-0100', '2026-01-01T01:00:00Z'],
  [0x17, '5001010000Z', '1950-01-01T00:00:00Z'],
  [0x18, '20260101000000.5Z', '2026-01-01T00:00:00Z'],
  [0x18, '2026010112', '2026-01-01T12:00:00Z'],
  [0x18, '20260101000000,25+01', '2025-12-31T23:00:00Z'],
  [0x18, '00000101000000+0100', '0000-01-01T00:00:00Z'],
  [0x17, '20260101000000Z'], [0x18, '260101000000Z'], [0x17, '261301000000Z'], [0x17, '260001000000Z'], [0x17, '260100000000Z'], [0x17, '260230000000Z'],
  [0x17, '260101240000Z'], [0x17, '260101006000Z'], [0x17, '260101000060Z'], [0x17, '26010100000aZ'], [0x17, ''],
  [0x18, '21000229000000Z'], [0x18, '20260431000000Z'], [0x18, `2026010100000${'0'.repeat(40)}Z`], [0x04, '20260101000000Z']
]

for (const [tag, text, means] of oddTimes) {
  t.test(`the revocation date ${text} with tag ${tag} is ${means ?? 'none'}, and its certificate revoked`, async (t) => {
    const status = (await loadCrls(t, [root], [revokedAt(tag, text)])).status([alice.x509])
    t.match(status, { status: 'revoked', revokedAt: means === undefined ? undefined : new Date(means) })
  })
}

t.test('a CRL proves clients good from thisUpdate to nextUpdate, both included', async (t) => {
  const thisUpdate = new Date('2026-01-01T00:00:00Z')
  const nextUpdate = new Date('2026-02-01T00:00:00Z')
  let now = thisUpdate
  for (const options of [{}, { generalizedTime: true }]) {
    const set = await loadCrls(t, [root], [makeCrl(root, { thisUpdate, nextUpdate, ...options })], () => now)
    for (const [time, word] of [['2025-12-31T23:59:59Z', 'unknown'], ['2026-01-01T00:00:00Z', 'good'], ['2026-02-01T00:00:00Z', 'good'], ['2026-02-01T00:00:01Z', 'unknown']] as const) {
      now = new Date(time)
      t.equal(wordFor(set.status([bob.x509], STRICT)), word, time)
    }
  }
})

t.test('a client is good until the first CRL of its path expires', async (t) => {
  const issuing = await createAuthority({ name: 'Issuing', issuer: root })
  const carol = await issuing.issue({ name: 'carol' })
  const set = await loadCrls(t, [root, issuing], [
    makeCrl(root, { nextUpdate: new Date('2049-01-01') }), makeCrl(issuing, { nextUpdate: new Date('2049-01-02') })
  ], new Date())
  const [signerEnd] = [root, issuing].map(({ x509 }) => Date.parse(x509.validTo)).toSorted((a, b) => a - b)
  t.same(set.status([carol.x509, issuing.x509], STRICT), { status: 'good', goodUntil: new Date(signerEnd as number) }, 'the signers expire before')
  t.same(set.status([carol.x509, issuing.x509], { unknownStatus: 'deny' }), { status: 'good' })
})

function revokedAt (tag: number, text: string): { der: Buffer } {
  const entry = element(0x30, element(0x02, Buffer.of(0x11)), element(tag, Buffer.from(text)))
  return makeCrl(root, { rewrite: (parts) => parts.toSpliced(5, 0, element(0x30, entry)) })
}
