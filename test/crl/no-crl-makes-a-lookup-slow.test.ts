import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import type { SourcedCrl } from '../../lib/revocation/crl/series.js'
import { verifyCrl } from '../../lib/revocation/crl/verify.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { commonName, directoryName, extension, makeCrl, namesPoints, scope, STRICT, subjectOf, uri, wordFor, type CrlOptions } from '../support/crl.js'
import { createAuthority, element, type Authority, type Issued } from '../support/pki.js'
import type { RevocationPolicy } from '../../types/revocation.js'

const COUNT = 100_000
/** At most this many times the cost with one entry. It used to be hundreds to thousands of times. */
const AT_MOST = 25
const LOOKUPS = 20
const TRIES = 5

const root = await createAuthority({ name: 'Root' })
const sub = await createAuthority({ name: 'Sub', issuer: root })
/** Another key with the same name. */
const twin = await createAuthority({ name: 'Sub', issuer: root })
const alice = await sub.issue({ name: 'alice', serial: '11223344' })
const bob = await sub.issue({ name: 'bob', serial: '22' })
const indirect = scope({ indirect: true })
const authorities = new Authorities([root.x509, sub.x509, twin.x509])
const limits = { limit: 10_000_000, tooMany: () => new Error('too many') }

const issuersOf = (...names: Buffer[]): Buffer => extension('2.5.29.29', element(0x30, ...names.map(directoryName)), true)
const entryOf = (serial: string, ...extensions: Buffer[]): Buffer => {
  return element(0x30, element(0x02, Buffer.from(serial, 'hex')), element(0x17, Buffer.from('260101000000Z')), ...(extensions.length === 0 ? [] : [element(0x30, ...extensions)]))
}

/** Repeats the entry, with different bytes in the place of its six letters z. */
function manyTimes (entry: Buffer, count = COUNT): Buffer {
  const many = Buffer.alloc(entry.length * count, entry)
  for (let index = 0, place = many.indexOf('zzzzzz'); index < count; index++, place += entry.length) many.write(String(index).padStart(6, '0'), place)
  return many
}

async function read (signer: Authority, options: CrlOptions): Promise<SourcedCrl> {
  const outcome = await verifyCrl(makeCrl(signer, options).der, authorities.all, limits)
  if ('problem' in outcome) throw new Error(outcome.problem)
  return { ...outcome.verified, source: {} }
}

function setOf (crls: readonly SourcedCrl[]): RevocationSet {
  return new RevocationSet({ loadedAt: new Date(), authorities, crls })
}

const chainOf = ({ x509 }: Issued) => [x509, sub.x509, root.x509]

/** Processor time in milliseconds. */
function costOf (set: RevocationSet, certificate: Issued, policy: RevocationPolicy): number {
  let least = Infinity
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = process.cpuUsage()
    for (let lookup = 0; lookup < LOOKUPS; lookup++) set.status(chainOf(certificate), policy)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

const one = setOf([await read(sub, { scope: indirect, entries: [{ serial: '22' }] })])

for (const [name, entries, word] of [
  ['entries that name several issuers each', manyTimes(entryOf('1122', issuersOf(subjectOf(sub.der), commonName('zzzzzz')))), 'good'],
  ['entries that name many issuers', manyTimes(entryOf('1122', issuersOf(...Array.from({ length: 60 }, (_, index) => commonName(`x${index}`)), commonName('zzzzzz'), subjectOf(sub.der))), 2000), 'good'],
  ['one number of many issuers', manyTimes(entryOf('11223344', issuersOf(commonName('zzzzzz')))), 'good'],
  ['one number again and again', Buffer.concat(Array.from({ length: COUNT }, () => entryOf('11223344'))), 'revoked'],
  ['one number, revoked and released repeatedly', Buffer.concat(Array.from({ length: COUNT / 2 }, () => [entryOf('11223344', extension('2.5.29.21', element(0x0a, Buffer.of(8)))), entryOf('11223344')]).flat()), 'revoked']
] as const) {
  t.test(`a lookup in a CRL with ${name} is as fast as in one with a single entry`, async (t) => {
    const set = setOf([await read(sub, { scope: indirect, madeEntries: entries })])
    t.match(wordFor(set.status(chainOf(alice))), word)
    const [few, many] = [costOf(one, alice, {}), costOf(set, alice, {})]
    t.ok(many < AT_MOST * few, `${many} ms for ${LOOKUPS} lookups, ${few} ms with one entry`)
  })
}

t.test('each of several issuers counts, in this entry and in those after it', async (t) => {
  const both = issuersOf(commonName('X'), subjectOf(sub.der), subjectOf(root.der), subjectOf(sub.der))
  const crl = await read(sub, { scope: indirect, madeEntries: Buffer.concat([entryOf('33', issuersOf(subjectOf(sub.der))), entryOf('11223344', both), entryOf('22')]) })
  t.equal(crl.crl.entries.size, 7)
  const set = setOf([crl])
  t.equal(wordFor(set.status(chainOf(alice))), 'revoked')
  t.equal(wordFor(set.status(chainOf(bob))), 'revoked')
})

t.test('beyond a limit, entries with many issuers revoke for any issuer', async (t) => {
  const names = Array.from({ length: 64 }, (_, index) => commonName(`x${index}`))
  const many = Buffer.concat([entryOf('01', issuersOf(...names)), ...Array.from({ length: 16_000 }, (_, index) => entryOf(`33${(0x100000 + index).toString(16)}`)), entryOf('22')])
  const { crl, ...others } = await read(sub, { scope: indirect, madeEntries: many })
  t.ok(crl.entries.size > 1_000_000 && crl.entries.size < 1_020_000, String(crl.entries.size))
  t.match(crl.defect, /more than 1000000 issuers in total/)
  t.equal(wordFor(setOf([{ crl, ...others }]).status(chainOf(bob))), 'revoked', 'whichever certificate it may mean')
  t.equal(wordFor(setOf([{ crl, ...others }]).status(chainOf(alice))), 'good')
})

const PARTS = 2000
const pointed = await sub.issue({
  name: 'pointed',
  serial: '44',
  extensions: [namesPoints(...Array.from({ length: 64 }, (_, index) => ({ names: Array.from({ length: 8 }, (_, other) => uri(`http://crl.test/${index}/${other}`)) })))]
})

/** CRLs as an issuer with many partitions has them, one for each part of its certificates. */
function partsOf (crl: SourcedCrl, changes: (index: number) => Partial<SourcedCrl['crl']>): SourcedCrl[] {
  return Array.from({ length: PARTS }, (_, index) => ({ ...crl, digest: String(index), crl: { ...crl.crl, scopeKey: String(index), ...changes(index) } }))
}

t.test('many CRLs of one issuer hardly slow a handshake down', async (t) => {
  const part = await read(sub, { scope: scope({ names: [uri('http://crl.test/1')] }), entries: [{ serial: '22' }] })
  const named = (index: number) => ({ scope: { ...part.crl.scope, names: Array.from({ length: 32 }, (_, other) => `${index} ${other}`) } })
  const ofTwin = await read(twin, { scope: scope({ names: [uri('http://crl.test/1')] }), thisUpdate: new Date('2020-01-01'), entries: [{ serial: '11223344', revokedAt: new Date('2019-01-01') }] })
  const own = await read(sub, {})
  for (const [name, crls, certificate, policy] of [
    ['that list others', partsOf(part, named), alice, {}],
    ['whose names are compared with a certificate', partsOf(part, named), pointed, STRICT],
    ['of another key, that list its number', [...partsOf(ofTwin, named), ...partsOf(own, named), own], alice, {}]
  ] as const) {
    const set = setOf(crls)
    set.status(chainOf(certificate), policy)
    const cost = costOf(set, certificate, policy) / LOOKUPS
    t.ok(cost < 20, `${PARTS} CRLs ${name}: ${cost} ms`)
  }
})

t.test('a handshake does not search for the CRL that expires first', async (t) => {
  let now = Date.parse('2026-06-01T00:00:00Z')
  const whole = await read(sub, { number: 1, nextUpdate: new Date('2026-07-01T00:00:00Z') })
  const delta = await read(sub, { number: 2, base: 1, thisUpdate: new Date('2026-06-02T00:00:00Z'), nextUpdate: new Date('2026-08-01T00:00:00Z') })
  const set = new RevocationSet({ loadedAt: new Date(), authorities, crls: [whole, delta], now: () => now })
  const end = (): number => set.crls.firstEnd(now)
  t.equal(end(), Date.parse('2026-07-01T00:00:00Z'))
  now = Date.parse('2026-06-02T00:00:00Z')
  t.equal(end(), Date.parse('2026-08-01T00:00:00Z'), 'the delta CRL has begun')
  now = Date.parse('2026-06-01T00:00:00Z')
  t.equal(end(), Date.parse('2026-07-01T00:00:00Z'), 'also if the clock is set back')
  const many = setOf(partsOf(whole, () => ({})))
  many.crls.firstEnd(now)
  const before = process.cpuUsage()
  for (let lookup = 0; lookup < 1000; lookup++) many.crls.firstEnd(now)
  const { user, system } = process.cpuUsage(before)
  t.ok(user + system < 500_000, `${(user + system) / 1000} ms for 1,000 times`)
})
