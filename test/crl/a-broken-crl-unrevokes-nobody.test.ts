import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { commonName, directoryName, extension, integer, loadCrls, makeCrl, namesPoints, scope, STRICT, subjectOf, wordFor, type CrlOptions, type MadeCrl } from '../support/crl.js'
import { createAuthority, element } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other', issuer: root })
const alice = await root.issue({ name: 'alice', serial: '11' })
const bob = await root.issue({ name: 'bob', serial: '22' })
const entries = (...serials: string[]): Pick<CrlOptions, 'entries'> => ({ entries: serials.map((serial) => ({ serial })) })
const BROKEN_DATE = element(0x17, Buffer.from('some time'))
/** A CRL whose number and date cannot be read. */
const timeless = (...serials: string[]): MadeCrl => makeCrl(root, { number: null, extensions: [extension('2.5.29.20', integer(-1 >>> 0)), extension('2.5.29.20', integer(2))], ...entries(...serials), rewrite: (parts) => parts.with(3, BROKEN_DATE) })
/** A CRL with one entry that cannot be read. */
const partial = (options: CrlOptions, serial: string): MadeCrl => makeCrl(root, { ...options, madeEntries: Buffer.concat([element(0x30, element(0x02, Buffer.from(serial, 'hex')), element(0x17, Buffer.from('260101000000Z'))), element(0x30)]) })
/** A CRL that has a defect but can be read in full. */
const whole = (options: CrlOptions, ...serials: string[]): MadeCrl => makeCrl(root, { ...options, ...entries(...serials), scope: extension('2.5.29.28', element(0x30), true) })

async function start (t: Test, first: MadeCrl): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': '*.crl\n', 'a.crl': first.der }))
  reloading.authorities = new Authorities([root.x509, other.x509])
  t.same(await reloading.load(), [])
  return reloading
}

function words (reloading: Reloading): string[] {
  return [alice, bob].map(({ x509 }) => wordFor(reloading.loaded?.set.status([x509]) ?? { status: 'good' }))
}

const first = makeCrl(root, { number: 5, thisUpdate: new Date('2026-01-05'), ...entries('11') })

for (const [name, crl] of [
  ['without a number and without a readable date', timeless('22')],
  ['with an empty scope', makeCrl(root, { number: 6, scope: extension('2.5.29.28', element(0x30), true), ...entries('22') })],
  ['with an unreadable scope', makeCrl(root, { number: 6, scope: extension('2.5.29.28', element(0x30, element(0x8a)), true), ...entries('22') })],
  ['with an entry that cannot be read', partial({ number: 6 }, '22')]
] as const) {
  t.test(`a CRL ${name} that overwrites a good one adds its entries to it until a newer good CRL arrives`, async (t) => {
    const reloading = await start(t, first)
    writeFileSync(reloading.path('a.crl'), crl.der)
    for (let round = 0; round < 3; round++) {
      t.same(await reloading.load(), [])
      t.same(words(reloading), ['revoked', 'revoked'])
      t.match(reloading.loaded?.warnings.join(), /proves no certificate good/)
    }
    writeFileSync(reloading.path('a.crl'), makeCrl(root, { number: 7, ...entries('22') }).der)
    await reloading.load()
    await reloading.load()
    t.same(words(reloading), ['good', 'revoked'])
  })
}

t.test('a warning names the CRL that overwrote a good one', async (t) => {
  const reloading = await start(t, first)
  writeFileSync(reloading.path('a.crl'), timeless('22').der)
  await reloading.load()
  t.match(reloading.loaded?.warnings.join(), /\(without a readable date\) cannot replace the previous one \(number 5\), which stays in force/)
})

t.test('all CRLs without a readable number or date count, up to a limit', async (t) => {
  const reloading = await start(t, timeless('1000'))
  for (let turn = 1; turn <= 20; turn++) {
    writeFileSync(reloading.path('a.crl'), timeless(String(1000 + turn)).der)
    t.same(await reloading.load(), [])
  }
  t.equal(reloading.loaded?.set.size, 17)
  for (const [turn, word] of [[20, 'revoked'], [4, 'revoked'], [3, 'good']] as const) {
    const { x509 } = await root.issue({ name: 'one of them', serial: String(1000 + turn) })
    t.equal(wordFor(reloading.loaded?.set.status([x509]) ?? { status: 'good' }), word, `number ${turn}`)
  }
})

const listing = { thisUpdate: new Date('2026-01-01') }
for (const [name, older, newer, isOff] of [
  ['read in full replaces one read in full', whole(listing, '11'), whole({ number: 2 }), true],
  ['not read in full replaces another one not read in full', partial(listing, '11'), partial({ number: 2 }, '33'), true],
  ['read in full replaces one not read in full', makeCrl(root, { ...listing, madeEntries: element(0x30), scope: extension('2.5.29.28', element(0x30), true) }), whole({ number: 2 }), true],
  ['not read in full does not replace one read in full', whole(listing, '11'), makeCrl(root, { number: 2, madeEntries: element(0x30), scope: extension('2.5.29.28', element(0x30), true) }), false]
] as const) {
  t.test(`of two CRLs with defects, the newer one ${name}`, async (t) => {
    for (const order of [[older, newer], [newer, older]]) {
      const set = await loadCrls(t, [root], order)
      t.equal(wordFor(set.status([alice.x509])), isOff ? 'good' : 'revoked')
      t.equal(wordFor(set.status([bob.x509], STRICT)), 'unknown')
    }
  })
}

t.test('a delta CRL with an unreadable base number revokes, and releases no certificate', async (t) => {
  const set = await loadCrls(t, [root], [
    makeCrl(root, { entries: [{ serial: '11', reason: 6 }] }),
    makeCrl(root, { number: 2, extensions: [extension('2.5.29.27', element(0x05), true)], entries: [{ serial: '11', reason: 8 }, { serial: '22' }] })
  ])
  t.equal(wordFor(set.status([alice.x509])), 'revoked certificateHold')
  t.equal(wordFor(set.status([bob.x509])), 'revoked')
})

const points = { extensions: [namesPoints({ crlIssuer: [directoryName(subjectOf(root.der))] })] }
const carol = await other.issue({ name: 'carol', serial: '11', ...points })
const dave = await other.issue({ name: 'dave', serial: '22', ...points })
const indirect = scope({ indirect: true })
const issuerOf = (...names: Buffer[]): Buffer => extension('2.5.29.29', element(0x30, ...names), true)
const own = issuerOf(directoryName(subjectOf(root.der)))
const others = issuerOf(directoryName(subjectOf(other.der)))

for (const [name, crl] of [
  ['that has no directory name', makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [issuerOf(element(0x86))] }] })],
  ['with too many names', makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [issuerOf(...Array.from({ length: 65 }, () => directoryName(commonName('x'))))] }] })],
  ['that is repeated', makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [own, own] }] })],
  ['with its name in segments', makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [issuerOf(directoryName(commonName('x', 0x2c)))] }] })],
  ['that may be in an extension that cannot be read', makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [element(0x04)] }] })],
  ['after an unreadable one', makeCrl(root, { scope: indirect, entries: [{ serial: '33', extensions: [issuerOf()] }, { serial: '11' }] })],
  ['in a CRL whose scope cannot be read', makeCrl(root, { scope: extension('2.5.29.28', element(0x30, element(0x8a)), true), entries: [{ serial: '11', extensions: [issuerOf(directoryName(commonName('x')))] }] })]
] as const) {
  t.test(`an entry with a certificateIssuer ${name} revokes every certificate it may mean`, async (t) => {
    const set = await loadCrls(t, [root, other], [crl, makeCrl(other)])
    t.match(wordFor(set.status([alice.x509])), 'revoked')
    t.match(wordFor(set.status([carol.x509, other.x509])), 'revoked')
    t.equal(wordFor(set.status([bob.x509])), 'good')
    t.equal(wordFor(set.status([dave.x509, other.x509])), 'good')
    t.equal(wordFor(set.status([bob.x509], STRICT)), 'unknown')
  })
}

t.test('an entry with several issuers revokes for each of them, and so do the entries after it', async (t) => {
  const both = issuerOf(directoryName(subjectOf(root.der)), directoryName(subjectOf(other.der)))
  const set = await loadCrls(t, [root, other], [makeCrl(root, { scope: indirect, entries: [{ serial: '11', extensions: [both] }, { serial: '22' }] })])
  for (const chain of [[alice.x509], [bob.x509], [carol.x509, other.x509], [dave.x509, other.x509]]) t.equal(wordFor(set.status(chain)), 'revoked')
})

t.test('an entry that revokes for any issuer outranks a removal', async (t) => {
  const set = await loadCrls(t, [root, other], [
    makeCrl(root, { scope: indirect }),
    makeCrl(root, { number: 3, base: 1, scope: indirect, entries: [{ serial: '11', reason: 8, extensions: [others] }, { serial: '11', extensions: [issuerOf()] }] })
  ])
  t.equal(wordFor(set.status([carol.x509, other.x509])), 'revoked')
})

t.test('beyond a limit of issuers, an entry revokes for any issuer', async (t) => {
  const entryOf = (serial: number, name: string): Buffer => element(0x30, element(0x02, Buffer.of(serial)), element(0x17, Buffer.from('260101000000Z')), element(0x30, issuerOf(directoryName(commonName(name)))))
  const template = entryOf(0x44, '000000')
  const many = Buffer.concat(Array.from({ length: 100_001 }, () => template))
  for (let index = 0, place = template.lastIndexOf('000000'); index <= 100_000; index++, place += template.length) many.write(String(index).padStart(6, '0'), place)
  const set = await loadCrls(t, [root, other], [makeCrl(root, { scope: indirect, madeEntries: Buffer.concat([many, entryOf(0x11, 'one more')]) })])
  t.equal(wordFor(set.status([alice.x509])), 'revoked')
  t.equal(wordFor(set.status([bob.x509], STRICT)), 'unknown')
})

t.test('an unreadable CRL does not stop the other CRLs of its file from counting', async (t) => {
  const reloading = await start(t, first)
  const unreadable = makeCrl(root, { rewrite: ([version, algorithm]) => [version as Buffer, algorithm as Buffer] })
  writeFileSync(reloading.path('a.crl'), unreadable.pem + makeCrl(root, { number: 6, ...entries('11', '22') }).pem)
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  t.same(words(reloading), ['revoked', 'revoked'])
  writeFileSync(reloading.path('a.crl'), unreadable.pem)
  for (let round = 0; round < 2; round++) {
    t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
    t.same(words(reloading), ['revoked', 'revoked'], 'and the last good one stays')
  }
})

t.test('line breaks and zeros after DER are ignored, anything else is an error', async (t) => {
  const behind = (text: string): { der: Buffer } => ({ der: Buffer.concat([first.der, Buffer.from(text)]) })
  t.equal(wordFor((await loadCrls(t, [root], [behind('\r\n\n \0')])).status([alice.x509])), 'revoked')
  await t.rejects(loadCrls(t, [root], [behind('\n#')]), { code: 'FST_ENDPOINT_FILE_INVALID', message: /something that is not DER follows/ })
})
