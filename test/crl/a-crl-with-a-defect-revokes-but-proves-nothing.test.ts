import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { type CrlOptions, directoryName, commonName, distributionPoints, extension, integer, keyIdOf, loadCrls, makeCrl, scope, serialOf, signAgain, signedPartOf, STRICT, uri, wordFor } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const alice = await root.issue({ name: 'alice' })
const bob = await root.issue({ name: 'bob' })
const unknown = extension('1.3.6.1.4.1.99999.1', element(0x05), true)
const harmless = extension('1.3.6.1.4.1.99999.2', element(0x05))
const ofOther = extension('2.5.29.29', element(0x30, directoryName(commonName('Other'))), true)
const serial = serialOf(alice.der)

type Make = (serial: string, options: CrlOptions) => { der: Buffer }

const of = (more: CrlOptions): Make => (serial, options) => makeCrl(root, { entries: [{ serial }], ...options, ...more })
const ofParts = (rewrite: (parts: Buffer[]) => Buffer[], more: CrlOptions = {}): Make => of({ ...more, rewrite })
/** Replaces one part: version, algorithm, issuer, thisUpdate, nextUpdate, entries, extensions. */
const ofPart = (index: number, ...written: Buffer[]): Make => ofParts((parts) => parts.toSpliced(index, 1, ...written))
const inEntry = (...extensions: Buffer[]): Make => (serial, options) => makeCrl(root, { ...options, entries: [{ serial, extensions }] })
/** @param rest the parts after the serial number */
const ofEntry = (...rest: Buffer[]): Make => (serial, options) => makeCrl(root, { ...options, madeEntries: element(0x30, element(0x02, Buffer.from(serial, 'hex')), ...rest) })
const beside = (...others: Buffer[]): Make => (serial, options) => makeCrl(root, { ...options, madeEntries: Buffer.concat([element(0x30, element(0x02, Buffer.from(serial, 'hex')), DATE), ...others]) })
const ofNumber = (...written: Buffer[]): Make => of({ number: null, extensions: [extension('2.5.29.20', Buffer.concat(written))] })
const ofScope = (...parts: Buffer[]): Make => of({ scope: extension('2.5.29.28', element(0x30, ...parts), true) })
const ofDate = (tag: number, text: string): Make => ofEntry(element(tag, Buffer.from(text)))
const ofKey = (value: Buffer): Make => of({ extensions: [extension('2.5.29.35', value)] })
/** A CRL of indefinite length, with a signed part of indefinite length. */
const open: Make = (serial, options) => {
  const { der } = makeCrl(root, { ...options, entries: [{ serial }] })
  const left = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(0x30, 0x80), bytes.subarray(contentAt(bytes)), Buffer.of(0, 0)])
  return { der: left(signAgain(der, root, left(signedPartOf(der))).der) }
}
const contentAt = (bytes: Buffer): number => 2 + ((bytes[1] as number) < 0x80 ? 0 : (bytes[1] as number) & 0x7f)

const DATE = element(0x17, Buffer.from('260101000000Z'))
const YES = Buffer.of(0xff)
const many = <T>(one: T): T[] => Array.from({ length: 65 }, () => one)
const aki = extension('2.5.29.35', element(0x30, element(0x80, keyIdOf(root.der))))

const defects: Array<[name: string, make: Make]> = [
  ['an unknown critical extension', of({ extensions: [unknown] })],
  ['an unknown critical extension of 2.5.29', of({ extensions: [extension('2.5.29.99', element(0x05), true)] })],
  ['no CRL number in version 2', of({ number: null })],
  ['a critical CRL number', of({ number: null, extensions: [extension('2.5.29.20', integer(3), true)] })],
  ['a critical freshestCRL', of({ extensions: [extension('2.5.29.46', distributionPoints({ names: [uri('http://crl.test/delta')] }), true)] })],
  ['a scope that excludes all certificates', of({ scope: scope({ onlyUser: true, onlyAuthority: true }) })],
  ['a scope of users and attribute certificates alone', of({ scope: scope({ onlyUser: true, onlyAttribute: true }) })],

  ['a number that is negative', ofNumber(element(0x02, Buffer.of(0xff)))],
  ['a number that is empty', ofNumber(element(0x02))],
  ['a number of 25 bytes', ofNumber(integer(2n ** 198n))],
  ['an invalid number', ofNumber(element(0x04, Buffer.of(1)))],
  ['data after its number', ofNumber(integer(7), element(0x05))],
  ['two numbers', of({ extensions: [extension('2.5.29.20', integer(9))] })],
  ['two authorityKeyIdentifiers', of({ extensions: [aki, aki] })],
  ['an invalid authorityKeyIdentifier', ofKey(element(0x04))],
  ['data after its authorityKeyIdentifier', ofKey(Buffer.concat([element(0x30), element(0x05)]))],
  ['a freshestCRL with an unknown part', of({ extensions: [extension('2.5.29.46', element(0x30, element(0x30, element(0x85))))] })],
  ['two deltaCRLIndicators', of({ extensions: [extension('2.5.29.27', integer(1), true), extension('2.5.29.27', integer(1), true)] })],
  ['an invalid deltaCRLIndicator', of({ extensions: [extension('2.5.29.27', element(0x05), true)] })],

  ['an empty scope', ofScope()],
  ['a scope with an unknown part', ofScope(element(0x8a))],
  ['an invalid scope', of({ scope: extension('2.5.29.28', element(0x04), true) })],
  ['a scope with data after it', of({ scope: extension('2.5.29.28', Buffer.concat([element(0x30, element(0x81, YES)), element(0x05)]), true) })],
  ['two scopes', of({ scope: scope({ onlyAttribute: true }), extensions: [scope({ onlyUser: true })] })],
  ['a point with two names', ofScope(element(0xa0, element(0xa0), element(0xa0)))],
  ['a point with an unknown kind of name', ofScope(element(0xa0, element(0xa5)))],
  ['too many names', ofScope(element(0xa0, element(0xa0, ...many(uri('x')))))],
  ['reasons without bits', ofScope(element(0x83))],
  ['a boolean of two bytes', ofScope(element(0x85, Buffer.of(1, 1)))],

  ['version 3', ofPart(0, element(0x02, Buffer.of(2)))],
  ['an explicit version 1', ofPart(0, element(0x02, Buffer.of(0)))],
  ['extensions in version 1', ofPart(0)],
  ['an issuer that is not well-formed', ofParts((parts) => parts.with(2, element(0x30, element(0x31, element(0x31, Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from('Root')))))))],
  ['no thisUpdate', ofParts((parts) => parts.toSpliced(3, 2))],
  ['a thisUpdate with an offset', ofPart(3, element(0x17, Buffer.from('260101000000+0100')))],
  ['an invalid thisUpdate', ofPart(3, element(0x17, Buffer.from('yesterday')))],
  ['a nextUpdate without seconds', ofPart(4, element(0x17, Buffer.from('4901010000Z')))],
  ['an invalid nextUpdate', ofPart(4, element(0x17))],
  ['a third time', ofParts((parts) => parts.toSpliced(5, 0, DATE))],
  ['a part after the extensions', ofParts((parts) => [...parts, element(0xa1)])],
  ['its extensions before its entries', ofParts(([...parts]) => [...parts.slice(0, 5), parts[6] as Buffer, parts[5] as Buffer])],
  ['an extension without a value', of({ extensions: [element(0x30, Buffer.from('0603550408', 'hex'))] })],
  ['an invalid extension', of({ extensions: [element(0x04)] })],
  ['too many extensions', of({ extensions: many(harmless) })],
  ['too many extensions after its scope', of({ scope: scope({ onlyAttribute: true }), extensions: many(harmless) })],
  ['too many extensions before its scope', of({ extensions: [...many(harmless), scope({ onlyAttribute: true })] })],
  ['a criticality that is not a BOOLEAN', of({ extensions: [element(0x30, Buffer.from('0603550408', 'hex'), element(0x01, Buffer.of(1, 1)), element(0x04))] })],
  ['extensions that are cut short', ofPart(6, element(0xa0, element(0x30, Buffer.of(0x30, 9))))],
  ['data after its extensions', ofPart(6, element(0xa0, element(0x30), element(0x05)))],
  ['indefinite lengths', open],

  ['an entry whose date has an offset', ofDate(0x17, '260101000000+0100')],
  ['an entry whose date has no seconds', ofDate(0x17, '2601010000Z')],
  ['an entry whose date has a fraction', ofDate(0x18, '20260101000000.5Z')],
  ['an entry whose date has no zone', ofDate(0x18, '20260101000000')],
  ['an entry with an impossible date', ofDate(0x17, '260230000000Z')],
  ['an entry whose date has another type', ofDate(0x04, '20260101000000Z')],
  ['an entry whose date is truncated', ofDate(0x18, '2'.repeat(100))],
  ['an entry without a date', ofEntry()],
  ['an entry without a date, but with a reason', ofEntry(element(0x30, extension('2.5.29.21', element(0x0a, Buffer.of(1)))))],
  ['an entry with an unknown critical extension', inEntry(unknown)],
  ['an entry with a certificateIssuer in a CRL that is not indirect', inEntry(extension('2.5.29.29', element(0x30), true))],
  ['an entry with one that is not critical', inEntry(extension('2.5.29.29', element(0x30, directoryName(commonName('x')))))],
  ['an entry with a reason that is an INTEGER', inEntry(extension('2.5.29.21', element(0x02, Buffer.of(8))))],
  ['an entry with a reason of two bytes', inEntry(extension('2.5.29.21', element(0x0a, Buffer.of(0, 8))))],
  ['an entry with two reasons', inEntry(...[1, 8].map((reason) => extension('2.5.29.21', element(0x0a, Buffer.of(reason)))))],
  ['an entry with an extension without a value', inEntry(element(0x30, Buffer.from('0603551d18', 'hex')))],
  ['an entry with too many extensions', inEntry(...many(harmless))],
  ['an entry with too many extensions after the reason removeFromCRL', inEntry(extension('2.5.29.21', element(0x0a, Buffer.of(8))), ...many(harmless))],
  ['an entry with too many extensions after another issuer', (serial, options) => makeCrl(root, { ...options, scope: scope({ indirect: true }), entries: [{ serial, extensions: [ofOther, ...many(harmless)] }] })],
  ['an entry with an empty list of extensions', ofEntry(DATE, element(0x30))],
  ['an entry with data after its extensions', ofEntry(DATE, element(0x30, extension('1.2.3', element(0x05))), element(0x05))],
  ['an entry with extensions that are cut short', ofEntry(DATE, Buffer.of(0x30, 9))],
  ['an entry without a number besides a valid one', beside(element(0x30))],
  ['an entry with an empty number besides a valid one', beside(element(0x30, element(0x02), DATE))],
  ['an invalid entry besides a valid one', beside(element(0x31, element(0x02, Buffer.of(1)), DATE))],
  ['entries that are cut short after the first', beside(Buffer.of(0x30, 9, 2))]
]

for (const [name, make] of defects) {
  t.test(`a CRL with ${name} revokes what it lists, and proves no client good`, async (t) => {
    const set = await loadCrls(t, [root], [make(serial, {})])
    t.match(wordFor(set.status([alice.x509])), /^revoked/)
    t.equal(wordFor(set.status([bob.x509])), 'good')
    t.equal(wordFor(set.status([bob.x509], { unknownStatus: 'deny' })), 'unknown')
  })

  t.test(`a newer CRL with ${name} adds to an older one without a defect, and removes nothing from it`, async (t) => {
    const set = await loadCrls(t, [root], [
      makeCrl(root, { number: 1, thisUpdate: new Date('2026-01-01'), entries: [{ serial }] }),
      make(serialOf(bob.der), { number: 2 })
    ])
    t.match(wordFor(set.status([alice.x509])), /^revoked/)
    t.match(wordFor(set.status([bob.x509])), /^revoked/)
  })
}

t.test('an empty list of entries is a defect', async (t) => {
  const empty = (options: CrlOptions): { der: Buffer } => makeCrl(root, { ...options, madeEntries: Buffer.alloc(0) })
  const set = await loadCrls(t, [root], [empty({})])
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'unknown')
  const both = await loadCrls(t, [root], [makeCrl(root, { number: 1, entries: [{ serial }] }), empty({ number: 2 })])
  t.equal(wordFor(both.status([alice.x509])), 'revoked', 'which un-revokes nobody')
})

for (const name of ['crl-number-negative', 'entry-date-offset', 'idp-unknown-field']) {
  t.test(`${name}.crl, written by another program, revokes`, async (t) => {
    const read = (file: string): Buffer => readFileSync(new URL(`broken-form/${file}`, import.meta.url))
    const [ca, bad] = ['ca.pem', 'bad.pem'].map((file) => ({ x509: new X509Certificate(read(file)) })) as [{ x509: X509Certificate }, { x509: X509Certificate }]
    const set = await loadCrls(t, [ca], [{ der: read(`${name}.crl`) }])
    t.match(wordFor(set.status([bad.x509])), /^revoked/)
  })
}

t.test('a newer CRL without a defect replaces one with a defect', async (t) => {
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: 1, entries: [{ serial }], extensions: [unknown] }),
    makeCrl(root, { number: 2 })
  ])
  t.equal(wordFor(set.status([alice.x509], STRICT)), 'good')
})

t.test('the newer of two CRLs with a defect counts', async (t) => {
  const set = await loadCrls(t, [root], [
    makeCrl(root, { number: null, thisUpdate: new Date('2026-01-01'), entries: [{ serial }] }),
    makeCrl(root, { number: null, thisUpdate: new Date('2026-01-02') })
  ])
  t.equal(wordFor(set.status([alice.x509])), 'good')
  t.equal(set.size, 0)
})

t.test('non-critical extensions and known entry extensions are no defect', async (t) => {
  const set = await loadCrls(t, [root], [makeCrl(root, {
    extensions: [extension('1.3.6.1.4.1.99999.1', element(0x05)), extension('2.5.29.46', element(0x30))],
    entries: [{ serial, reason: 4, extensions: [extension('2.5.29.24', element(0x18, Buffer.from('20260101000000Z')), true), extension('1.2.3.4', element(0x05))] }]
  })])
  t.equal(wordFor(set.status([alice.x509])), 'revoked superseded')
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'good')
})
