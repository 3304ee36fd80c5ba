/** docs/errors.md has an entry for each code of lib/errors.ts, with the message and the status of that code, and no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { errors, type ErrorCode } from '../../lib/errors.js'
import { FAULTS } from '../../lib/proxy-protocol/result.js'
import { ALERT_DESCRIPTIONS } from '../../lib/tls/refusal-reason.js'
import { ROOT } from '../support/documents.js'

const DOCUMENT = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')
const entries = new Map(DOCUMENT.split(/^#{2,3} /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const))

t.test('every code has an entry, and every entry a code', async (t) => {
  t.same([...entries.keys()].filter((title) => title.startsWith('FST_')).sort(), Object.keys(errors).sort())
})

for (const code of Object.keys(errors) as ErrorCode[]) {
  t.test(`${code} has its message, its status, a cause and a remedy`, async (t) => {
    const entry = entries.get(code) ?? ''
    const { message, statusCode } = new errors[code]()
    const [, , documented = ''] = /^Message: (`{1,2})(.*)\1$/m.exec(entry) ?? []
    const [, status = '500'] = /^HTTP status: (\d+)$/m.exec(entry) ?? []
    // The document names each value, as in <file>.
    t.equal(documented.replaceAll(/<[a-z][^<>]*>/gi, '%s'), message.replaceAll('%d', '%s'), 'the message of lib/errors.ts')
    t.equal(Number(status), statusCode)
    t.match(entry, /^- Cause: .{10}/m)
    t.match(entry, /^- Remedy: .{4}/m)
  })
}

/** The words in the first column of the table below a heading. */
function wordsOf (title: string): string[] {
  const rows = (entries.get(title) ?? '').split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => [...(row.split(' | ')[0] as string).matchAll(/`(\w[\w-]*)`/g)].map(([, word]) => word as string))
}

/** The strings of a union in types/, each `'word'` behind a bar. */
function unionOf (file: string, from: RegExp): string[] {
  const [, union = ''] = from.exec(readFileSync(join(ROOT, 'types', file), 'utf8')) ?? []
  return [...union.matchAll(/'([\w-]+)'/g)].map(([, word]) => word as string)
}

t.test('every health reason, kind of warning and reason of a rejection is in its table', async (t) => {
  const healthReasons = unionOf('health.ts', /type HealthReasonCode =([^]*?)\n\n/)
  const kinds = unionOf('command-line.ts', /interface CheckWarning \{[^]*?readonly kind: (.*)/)
  t.ok(healthReasons.length > 5 && kinds.length > 3, 'the unions were found')
  t.same(wordsOf('Health reasons').sort(), healthReasons.sort())
  t.same(wordsOf('Warnings of the command line').sort(), kinds.sort())
  t.same(wordsOf('Why a client is rejected').sort(), Object.keys(ALERT_DESCRIPTIONS).sort())
  t.same(wordsOf('Why a PROXY header is rejected').sort(), [...Object.keys(FAULTS), 'untrusted'].sort())
})
