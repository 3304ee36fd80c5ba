import fc from 'fast-check'
import t from 'tap'
import { Authorities } from '../../lib/x509/authorities.js'
import { type FileRevocations, readRevocationFile } from '../../lib/revocation/files/file-content.js'
import { directoryName, makeCrl, scope, serialOf, subjectOf, uri } from '../support/crl.js'
import { createAuthority } from '../support/pki.js'

const root = await createAuthority({ name: 'Root' })
const other = await createAuthority({ name: 'Other', issuer: root })
const alice = await other.issue({ name: 'alice' })
const { all: signers } = new Authorities([root.x509, other.x509])

const serial = serialOf(alice.der)
const crls = [
  makeCrl(root, { entries: [{ serial, reason: 1 }, { serial: '00ff' }, { serial: 'ff', reason: 6, extensions: [] }] }),
  makeCrl(root, { version: 1, entries: [{ serial }] }),
  makeCrl(other, { number: 7, base: 5, entries: [{ serial, reason: 8 }], generalizedTime: true }),
  makeCrl(other, { scope: scope({ names: [uri('http://crl.test/1'), directoryName(subjectOf(root.der))], reasons: [1, 2, 8], onlyUser: true }) }),
  makeCrl(root, { scope: scope({ indirect: true }), entries: [{ serial, certificateIssuer: subjectOf(other.der), reason: 4 }, { serial: '05' }] })
]
const files = [
  ...crls.map(({ der }) => der),
  ...crls.map(({ pem }) => Buffer.from(pem)),
  Buffer.concat(crls.map(({ der }) => der)),
  Buffer.concat([alice.der, ...crls.map(({ der }) => der)]),
  Buffer.from(alice.certificate + crls.map(({ pem }) => pem).join('# text\n') + alice.key)
]

/** A uniform position: by itself fast-check prefers the first and the last. */
const at = fc.noBias(fc.integer({ min: 0, max: 1_000_000 })).map((millionths) => millionths / 1_000_000)

/** A file with some bytes changed, removed, doubled or moved, or two files joined. */
const change = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at, byte: fc.constantFrom(0, 1, 2, 4, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xff) }),
  fc.record({ kind: fc.constant('flip' as const), at, byte: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant('cut' as const), at, byte: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('double' as const), at, byte: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant('end' as const), at, byte: fc.constant(0) })
)
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never

function changed (file: Buffer, changes: readonly Change[]): Buffer {
  let bytes = Buffer.from(file)
  for (const { kind, at, byte } of changes) {
    const place = Math.floor(at * Math.max(bytes.length - 1, 0))
    if (kind === 'set' && bytes.length > 0) bytes.fill(byte, place, place + 1)
    if (kind === 'flip' && bytes.length > 0) bytes.writeUInt8(bytes.readUInt8(place) ^ byte, place)
    if (kind === 'cut') bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + byte)])
    if (kind === 'double') bytes = Buffer.concat([bytes.subarray(0, place + byte), bytes.subarray(place)])
    if (kind === 'end') bytes = bytes.subarray(0, place)
  }
  return bytes
}

const mutated = fc.tuple(fc.constantFrom(...files), fc.array(change, { minLength: 1, maxLength: 6 })).map(([file, changes]) => changed(file, changes))
const anything = fc.oneof(
  { weight: 8, arbitrary: mutated },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([Buffer.of(0x30, 0x82), Buffer.from(bytes)])) }
)

/** You can set a higher number by hand. */
const RUNS = Number(process.env['FUZZED_FILES'] ?? 8000)

async function read (bytes: Buffer): Promise<FileRevocations> {
  return await readRevocationFile({ bytes, what: 'the file', location: { file: 'x' }, signers, limit: 1000 })
}

t.test('any file is read or rejected with a coded error, in limited memory', async (t) => {
  let understood = 0
  let refused = 0
  await fc.assert(fc.asyncProperty(anything, async (bytes) => {
    try {
      const { crls } = await read(Buffer.from(bytes))
      understood++
      for (const { crl: { entries: { arrays: { tags, slots, records } } } } of crls) {
        if (tags.byteLength + slots.byteLength + records.byteLength > 4 * bytes.length + 1000) throw new Error('a table that is larger than its CRL could make it')
      }
    } catch (thrown) {
      const { code, message } = thrown as { code?: string, message: string }
      if (code?.startsWith('FST_ENDPOINT_') !== true || message.length > 500) throw thrown
      refused++
    }
  }), { numRuns: RUNS, seed: 5280 })
  // Both must happen, or the test would prove nothing.
  t.ok(understood > 100, `${understood} were understood`)
  t.ok(refused > RUNS / 4, `${refused} were refused`)
})

t.test('the unchanged files are read without problems', async (t) => {
  for (const file of files) {
    const { crls, problems } = await read(Buffer.from(file))
    t.ok(crls.length > 0)
    t.same(problems, [])
  }
})

t.test('a signed CRL with any byte changed does not count', async () => {
  const { der } = makeCrl(root, { entries: [{ serial, reason: 1 }] })
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: der.length - 1 }), fc.integer({ min: 1, max: 255 }), async (place, bits) => {
    const bytes = Buffer.from(der)
    bytes.writeUInt8(bytes.readUInt8(place) ^ bits, place)
    try {
      return (await read(bytes)).crls.length === 0
    } catch {
      return true
    }
  }), { numRuns: 1500, seed: 633 })
})

t.test('deeply nested and very many elements are rejected, and a thousand CRLs are read', async (t) => {
  const many = Buffer.alloc(200_000, Buffer.of(0x30, 0x80))
  const nested = Buffer.concat(Array.from({ length: 20_000 }, (_, index) => Buffer.of(0x30, 0x84, 0, 0, 0, (20_000 - index) & 0xff)))
  const copies = Buffer.concat(Array.from({ length: 1000 }, () => crls[0]?.der ?? Buffer.alloc(0)))
  for (const bytes of [many, nested]) await t.rejects(read(bytes), { code: /^FST_ENDPOINT_/ })
  t.equal((await read(copies)).crls.length, 1000)
})
