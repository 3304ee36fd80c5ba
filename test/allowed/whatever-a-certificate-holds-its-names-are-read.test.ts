import { isIP } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { spiffeIdOf } from '../../lib/x509/spiffe-id.js'
import { readSubjectNames, type SubjectNames } from '../../lib/x509/subject-names.js'
import { alternativeNames, DNS, EMAIL, generalName, IP, issue, URI } from '../support/allowed.js'
import { mutationsOf } from '../support/der-mutations.js'

/** An environment variable can set a higher number. */
const RUNS = Number(process.env['FUZZED_NAMES'] ?? 2000)

const names = [generalName(DNS, 'a.example.org'), generalName(URI, 'spiffe://example.org/a'), generalName(EMAIL, 'a@example.org'), generalName(IP, Buffer.of(10, 0, 0, 1))]
const { der } = await issue({ name: 'C=DE, O=Acme, CN=a', extensions: [alternativeNames(...names)] })
const rules = ['dns:*.example.org', 'uri:spiffe://example.org/*', 'email:*@example.org', 'ip:0.0.0.0/0', 'ip:::/0', 'cn:a'].map((line, index) => parseRule(line, index + 1))
const set = await AllowedSet.of(rules)

/** Throws if the result is impossible. */
function check (read: SubjectNames): void {
  for (const { kind, value, problem } of read.names) {
    if (problem !== undefined) continue
    if (kind === 'ip' ? isIP(value) === 0 : kind === 'cn' ? /[\p{Cc}*]|^$/u.test(value) : !/^[\x20-)+-~]+$/.test(value)) throw new Error(`${kind} ${JSON.stringify(value)}`)
  }
  if (read.problem !== undefined && (read.names.length > 0 || read.isLeaf)) throw new Error('names that do not count')
  const id = spiffeIdOf(read)
  if (id !== undefined && (!read.isLeaf || read.names.filter(({ kind }) => kind === 'uri').length !== 1)) throw new Error(`no SVID: ${id}`)
  set.rulesFor({ names: read, tbs: '', spki: '' })
}

t.test('names are read safely from a certificate with any wrong element', async (t) => {
  const whole = readSubjectNames(der)
  t.equal(set.rulesFor({ names: whole, tbs: '', spki: '' }).length, 5)
  const problems = new Set<string | undefined>()
  for (const { bytes } of mutationsOf(der)) {
    const read = readSubjectNames(bytes)
    check(read)
    problems.add(read.problem)
  }
  t.ok(problems.size > 4, [...problems].join('; '))
})

t.test('names are read safely from a certificate with names of any bytes', async () => {
  const hostile = fc.oneof(fc.uint8Array({ maxLength: 24 }), fc.string({ unit: fc.constantFrom('a', 'A', '.', '@', '*', '/', ':', '%', '\0', '"', ',', ' ', 'é', 'spiffe://', '::', '..'), maxLength: 10 }).map((text) => Buffer.from(text, 'latin1')))
  const name = fc.tuple(fc.constantFrom(0x80, EMAIL, DNS, 0x84, URI, IP, 0x88, 0x89, 0xa0, 0xa1, 0xa2, 0xa4, 0xa6, 0x30), hostile).map(([tag, content]) => generalName(tag, content))
  await fc.assert(fc.asyncProperty(fc.array(name, { maxLength: 6 }), async (names) => {
    check(readSubjectNames((await issue({ extensions: [alternativeNames(...names)] })).der))
  }), { numRuns: Math.ceil(RUNS / 10) })
})

t.test('names are read safely from a certificate with any bytes changed', async (t) => {
  const change = fc.tuple(fc.noBias(fc.integer({ min: 0, max: der.length - 1 })), fc.integer({ min: 0, max: 255 }))
  let readable = 0
  fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.integer({ min: -20, max: 0 }), (changes, cut) => {
    const bytes = Buffer.from(der.subarray(0, der.length + (cut > -5 ? 0 : cut)))
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte
    const read = readSubjectNames(bytes)
    if (read.problem === undefined) readable++
    check(read)
  }), { numRuns: RUNS })
  t.ok(readable > RUNS / 20, `${readable} are read`)
})
