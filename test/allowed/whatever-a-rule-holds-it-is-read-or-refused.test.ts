import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { parseRule, type Rule, RuleProblem } from '../../lib/allowed/rule.js'
import { ipv6Text, type SubjectName, type SubjectNames } from '../../lib/x509/subject-names.js'

/** An environment variable can set a higher number. */
const RUNS = Number(process.env['FUZZED_RULES'] ?? 3000)
const HASH = `sha256//${Buffer.alloc(32, 1).toString('base64')}`

const PARTS = [
  'uri:', 'dns:', 'email:', 'ip:', 'cn:', 'tbs:', 'spki:', 'spiffe://', 'https://', 'example.org', 'a', 'B', '-', '_', '.', '..', '/', '//', '*', '*.', '/*', '@', ':', '::', '10.0.0.0', '/8', '/16', '0', '1',
  'ffff', '%', '%20', '%2a', '%00', '%c3%bc', 'ü', '。', '\u200f', '\ud800', ' ', '\t', ' role=', ' issuer=', 'admin', ',', '=', '#', '?', '"', '\\', '\0', HASH, 'sha256//', '__proto__', 'constructor'
]
const GOOD = [
  'uri:https://example.org/a/b', 'uri:https://example.org/a/*', 'uri:spiffe://example.org/a', 'uri:spiffe://example.org/*', 'dns:a.example.org', 'dns:*.example.org', 'email:a@example.org', 'email:*@example.org',
  'ip:10.0.0.0/16', 'ip:::/0', 'ip:2001:db8::1', 'cn:a%20b', `tbs:${HASH}`, `spki:${HASH}`
]
const end = fc.constantFrom('', ' role=a', ' role=a,b', ` issuer=${HASH}`)
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...GOOD), fc.nat(40), fc.nat(1), fc.constantFrom('', ...PARTS), end).map(([rule, at, cut, part, end]) => rule.slice(0, at) + part + rule.slice(at + cut) + end)
  },
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...PARTS.slice(0, 7)), fc.array(fc.constantFrom(...PARTS), { maxLength: 8 })).map(([kind, parts]) => kind + parts.join('')) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...PARTS), { maxLength: 8 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) }
)

/** A certificate that has just what a rule without a wildcard says. */
function namesFor ({ kind, value }: Rule): SubjectNames {
  const address = Buffer.from(value, 'hex')
  if (kind === 'tbs' || kind === 'spki') return { names: [], isLeaf: true }
  return { isLeaf: true, names: [{ kind, value: kind !== 'ip' ? value : address.length === 4 ? address.join('.') : ipv6Text(address) }] }
}

t.test('any rule is read or rejected', async (t) => {
  let good = 0
  await fc.assert(fc.asyncProperty(line, async (line) => {
    let rule: Rule
    try {
      rule = parseRule(line, 1)
    } catch (thrown) {
      if (thrown instanceof RuleProblem && thrown.message.length < 500) return
      throw thrown
    }
    good++
    const { kind, value, wildcard, roles } = rule
    if (value === '' || /[\p{Cc}*]/u.test(value)) throw new Error(`a value of ${JSON.stringify(value)}`)
    if (typeof wildcard === 'string' && wildcard !== 'none' && !line.includes('*')) throw new Error('a wildcard where none is written')
    if (roles.some((role) => !line.includes(role))) throw new Error('a role that is not written')
    const set = AllowedSet.of([rule])
    const itself = set.rulesFor({ names: namesFor(rule), tbs: kind === 'tbs' ? value : '', spki: kind === 'spki' ? value : '' })
    if (wildcard === 'none' && itself[0] !== rule) throw new Error('it does not match what it says')
    if ((wildcard === 'label' || wildcard === 'segments') && itself.length > 0) throw new Error('a wildcard that stands for nothing')
  }), { numRuns: RUNS })
  t.ok(good > RUNS / 20, `${good} are rules`)
})

t.test('any list is read or rejected', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '')), { maxLength: 5 }).map((lines) => Buffer.from(lines.map((parts) => parts.join('')).join('')))
  )
  await fc.assert(fc.asyncProperty(bytes, async (bytes) => {
    try {
      const { rules } = await parseAllowedList(bytes, 'allowed.txt', { file: 'allowed.txt' })
      if (rules.length === 0 || bytes.at(-1) !== 0x0a) throw new Error('a list that is none')
    } catch (thrown) {
      if (!String((thrown as { code?: string }).code).startsWith('FST_ENDPOINT_ALLOWED_')) throw thrown
    }
  }), { numRuns: RUNS })
})

t.test('a list matches what each of its rules matches alone', async () => {
  const valid = [...GOOD, 'dns:A.example.org', 'dns:*.a.example.org', 'email:*@a.example.org', 'ip:10.0.0.0/8', 'ip:10.0.0.0/31', 'ip:10.0.0.0', 'ip:0.0.0.0/0', 'uri:https://example.org/*', 'uri:https://example.org/a/b/*', 'cn:a']
  const content = fc.array(fc.tuple(fc.constantFrom(...valid, '#', ''), end, fc.constantFrom('\n', '\r\n')).map(([rule, end, lineBreak]) => `${rule}${rule.includes(':') ? end : ''}${lineBreak}`), { maxLength: 30 })
  const name = fc.constantFrom<SubjectName>(
    { kind: 'dns', value: 'a.example.org' }, { kind: 'dns', value: 'b.a.example.org' }, { kind: 'email', value: 'a@example.org' }, { kind: 'email', value: 'b@a.example.org' }, { kind: 'ip', value: '10.0.0.0' }, { kind: 'ip', value: '10.0.0.1' },
    { kind: 'ip', value: '2001:db8::1' }, { kind: 'ip', value: '::' }, { kind: 'uri', value: 'https://example.org/a/b' }, { kind: 'uri', value: 'https://example.org/a/b/c' }, { kind: 'uri', value: 'spiffe://example.org/a' }, { kind: 'cn', value: 'a b' }
  )
  await fc.assert(fc.asyncProperty(content, fc.array(name, { maxLength: 4 }), fc.boolean(), async (lines, names, isKnown) => {
    const applicant = { names: { names, isLeaf: true }, tbs: isKnown ? HASH : '', spki: '' }
    const set = await parseAllowedList(Buffer.from(`${lines.join('')}cn:z\n`), 'allowed.txt', { file: 'allowed.txt' })
    const alone = lines.flatMap((line, index) => /^(?:#|\r?\n)/.test(line) ? [] : [parseRule(line.trim(), index + 1)]).filter((rule) => AllowedSet.of([rule]).rulesFor(applicant).length > 0)
    assert.deepEqual(set.rulesFor(applicant), alone)
  }), { numRuns: Math.ceil(RUNS / 4) })
})
