import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { readSubjectNames } from '../../lib/x509/subject-names.js'
import { alternativeNames, DNS, EMAIL, generalName, IP, issue, URI } from '../support/allowed.js'

// As in test/description/reading-a-string-takes-linear-time.test.ts: ten times the size should take ten times the time, and a quadratic
// step would make it a hundred. Up to a quarter of a second may be garbage collection.
const MOST = 30
const NOTICEABLE = 250

/** The processor time of the cheapest of several runs, in milliseconds: other processes may use the same cores. */
async function cost (work: () => unknown): Promise<number> {
  let least = Infinity
  for (let run = 0; run < 3; run++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

const lists: Record<string, (length: number) => string> = {
  'spaces within a line': (length) => `cn:a${' '.repeat(length)}b\n`,
  'spaces before a line': (length) => `${' '.repeat(length)}cn:a\n`,
  'carriage returns': (length) => `cn:a${'\r'.repeat(length)}b\n`,
  'spaces and tabs behind a line': (length) => `cn:a${' \t'.repeat(length / 2)}\r\n`,
  'a long line': (length) => `cn:${'a'.repeat(length)}\n`,
  'a long comment': (length) => `#${'a '.repeat(length / 2)}\n`,
  'empty lines': (length) => '\n'.repeat(length),
  comments: (length) => '#\n'.repeat(length / 2),
  'wrong lines': (length) => 'x\n'.repeat(length / 2),
  'one line without an end': (length) => '%'.repeat(length),
  'lines with many fields': (length) => `cn:a${' a'.repeat(4000)}\n`.repeat(length / 8000),
  'lines with many percent signs': (length) => `cn:${'%41'.repeat(2700)}\n`.repeat(length / 8000),
  'lines with many labels': (length) => `dns:${'a.'.repeat(4000)}\n`.repeat(length / 8000),
  'lines with many segments': (length) => `uri:https://a${'/a'.repeat(4000)}/*\n`.repeat(length / 8000),
  'lines with many U-labels': (length) => `dns:${'ü.'.repeat(2700)}\n`.repeat(length / 8000),
  'lines with many roles': (length) => `cn:a role=${'a,'.repeat(4000)}\n`.repeat(length / 8000),
  'lines with many @': (length) => `email:${'@'.repeat(8000)}\n`.repeat(length / 8000),
  'lines with many colons': (length) => `ip:${':'.repeat(8000)}\n`.repeat(length / 8000)
}

t.test('the time to read a list grows no faster than its length', async (t) => {
  for (const [name, shape] of Object.entries(lists)) {
    const [short, long] = [100_000, 1_000_000].map((length) => Buffer.from(shape(length))) as [Buffer, Buffer]
    const read = (bytes: Buffer) => async () => await parseAllowedList(bytes, 'allowed.txt', { file: 'allowed.txt' }).catch(() => {})
    const [before, after] = [await cost(read(short)), await cost(read(long))]
    t.ok(after < Math.max(NOTICEABLE, before * MOST), `${name}: ${before.toFixed(1)} ms, then ${after.toFixed(1)} ms`)
  }
})

const wildcards = [
  'dns:*.example.org', 'email:*@example.org',
  ...Array.from({ length: 127 }, (_, bits) => `ip:::/${bits}`), ...Array.from({ length: 31 }, (_, bits) => `ip:0.0.0.0/${bits}`),
  ...Array.from({ length: 200 }, (_, length) => `uri:https://a${'/a'.repeat(length)}/*`)
]
const names: Record<string, (length: number) => Buffer[]> = {
  'a URI of many segments': (length) => [generalName(URI, `https://a${'/a'.repeat(length / 2)}`)],
  'a URI of many slashes': (length) => [generalName(URI, `https://a${'/'.repeat(length)}`)],
  'a URI of many dots': (length) => [generalName(URI, `https://a/${'.'.repeat(length)}`)],
  'a URI of many colons': (length) => [generalName(URI, ':'.repeat(length))],
  'a host of many dots': (length) => [generalName(DNS, `${'a.'.repeat(length / 2)}a`)],
  'a host of one label': (length) => [generalName(DNS, 'a'.repeat(length))],
  'an email of many @': (length) => [generalName(EMAIL, '@'.repeat(length))],
  'an email of many dots': (length) => [generalName(EMAIL, `a@${'a.'.repeat(length / 2)}a`)],
  'many SPIFFE IDs': (length) => Array.from({ length: length / 62 }, (_, at) => generalName(URI, `spiffe://example.org/${String(at).padStart(36, '0')}`)),
  'many hosts': (length) => Array.from({ length: length / 62 }, () => generalName(DNS, `${'a'.repeat(47)}.example.org`)),
  'many URIs': (length) => Array.from({ length: length / 62 }, () => generalName(URI, `https://a${'/a'.repeat(25)}`)),
  'many addresses': (length) => Array.from({ length: length / 62 }, (_, at) => generalName(IP, Buffer.concat([Buffer.alloc(14), Buffer.of(at >> 8, at & 255)])))
}

t.test('the time to read a certificate grows no faster than the number of its names', async (t) => {
  const set = await AllowedSet.of(wildcards.map((line, index) => parseRule(line, index + 1)))
  for (const [name, shape] of Object.entries(names)) {
    const [short, long] = await Promise.all([6200, 62_000].map(async (length) => (await issue({ extensions: [alternativeNames(...shape(length))] })).der)) as [Buffer, Buffer]
    const judge = (der: Buffer) => () => set.rulesFor({ names: readSubjectNames(der), tbs: '', spki: '' })
    const [before, after] = [await cost(judge(short)), await cost(judge(long))]
    t.equal(readSubjectNames(long).problem, undefined)
    t.ok(after < Math.max(NOTICEABLE, before * MOST), `${name}: ${before.toFixed(1)} ms, then ${after.toFixed(1)} ms`)
  }
})
