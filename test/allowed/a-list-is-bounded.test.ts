import t from 'tap'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { openGate, setOf } from '../support/open-gate.js'

const MEGABYTE = 1024 * 1024

async function read (content: string | Buffer): Promise<AllowedSet> {
  return await parseAllowedList(typeof content === 'string' ? Buffer.from(content) : content, 'allowed.txt', { file: 'allowed.txt' })
}

t.test('a line that is longer than any rule is an error, whatever it is, and is not decoded', async (t) => {
  for (const [what, content] of [['spaces', ' '], ['a comment', '#'], ['a rule', 'cn:é']] as const) {
    const line = Buffer.alloc(64 * MEGABYTE, content)
    line.write('\n', line.length - 1)
    const before = process.cpuUsage()
    await t.rejects(read(line), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 1, message: 'allowed.txt line 1: the line is longer than 8192 characters' }, what)
    const { user } = process.cpuUsage(before)
    // To decode it, and to look at each of its characters, took half a second.
    t.ok(user < 250_000, `${what}: ${user / 1000} ms`)
  }
  await t.resolves(read(`${'#'.repeat(24_000)}\ncn:a\n`))
  await t.resolves(read(`cn:${'é'.repeat(8000)}\n`))
  await t.rejects(read(`cn:${'é'.repeat(8190)}\n`), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 1 })
})

t.test('a NUL or a byte that is not UTF-8 is an error anywhere in a large list', async (t) => {
  const lines = Buffer.from(`cn:${'é'.repeat(100)}\n`.repeat(13_000))
  t.ok(lines.length > 2.5 * MEGABYTE)
  for (const at of [5, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, lines.length - 3]) {
    for (const byte of [0, 0xff]) {
      const wrong = Buffer.from(lines)
      wrong[at] = byte
      await t.rejects(read(wrong), { code: 'FST_ENDPOINT_ALLOWED_INVALID' }, `${byte} at ${at}`)
    }
  }
})

t.test('more than a hundred rules of one pattern are an error that names them', async (t) => {
  for (const pattern of ['cn:a', 'dns:*.example.org', 'email:*@example.org', 'ip:10.0.0.0/8', 'uri:https://a/*']) {
    const rules = Array.from({ length: 100 }, (_, at) => `${at % 2 === 0 ? pattern : pattern.replace('example', 'EXAMPLE')} role=r${at}\n`)
    const others = 'cn:b\ndns:example.org\nip:10.0.0.0/9\nip:10.0.0.0\nuri:https://a/\n'.repeat(50)
    t.equal((await read(others + rules.join(''))).size, 350)
    await t.rejects(read(`# many\n${rules.join('')}${others}${pattern}\n`), {
      code: 'FST_ENDPOINT_ALLOWED_SYNTAX',
      line: 352,
      message: 'allowed.txt line 352: more than 100 lines have this pattern (2, 3, 4, 5, 6, …): write one rule with all of their roles'
    }, pattern)
  }
})

t.test('more than a million rules are an error', async (t) => {
  const rules = Array.from({ length: 1000 }, (_, at) => Array.from({ length: 1000 }, (_, digit) => `cn:${at}.${digit}\n`).join('')).join('')
  await t.rejects(read(`${rules}cn:a\n`), { code: 'FST_ENDPOINT_ALLOWED_INVALID', message: 'allowed.txt: it has more than 1000000 rules' })
})

t.test('a client that more than a thousand rules match is refused, with the reason in the log', async (t) => {
  const site = await makeSite(t)
  const dnsNames = Array.from({ length: 11 }, (_, at) => `a${at}.example.org`)
  const [many, enough] = await Promise.all([dnsNames, dnsNames.slice(1)].map((dnsNames) => site.ca.issue({ name: 'client', usage: 'client', dnsNames })))
  const rules = dnsNames.flatMap((name) => Array.from({ length: 100 }, (_, at) => parseRule(`dns:${name} role=r${at}`, at)))
  const { visit } = await openGate(t, site, '', { revocations: { set: setOf(), allowed: AllowedSet.of(rules) } })
  t.match((await visit(asClient(site, many))).verdict, {
    admitted: false, reason: 'access_denied', detail: 'the certificate matches more than 1000 rules of allowedFile, so none counts'
  })
  t.match((await visit(asClient(site, enough))).verdict, { admitted: true, roles: { length: 100 } })
})
