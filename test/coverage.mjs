/**
 * Checks the coverage of the last `tap` run against the rule of this project: 95 % of all lines, and every line of the code that
 * reads strings, revocations and PROXY headers, and of the gate. A file that no test loads counts as not covered.
 *
 * If programs are missing, their tests were skipped. Then this names the programs and demands nothing. With CI in the environment
 * nothing is skipped. With --show it only prints the percentage.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { reportSkipped } from './skipped.mjs'

const OVERALL = 95
const WHOLE = [/^lib\/allowed\//, /^lib\/description\//, /^lib\/text\//, /^lib\/x509\/(?:certificate-structure|der|distribution-point|extensions|identity|name|parsed-certificate|signers|spiffe-id|subject|subject-names|time)\.ts$/, /^lib\/revocation\//, /^lib\/proxy-protocol\//, /^lib\/tls\/(gate|path|peer-certificate|refusal-reason|remembered-admissions|sent-intermediates)\.ts$/]

/** Files whose coverage is not seen, each with the reason. */
const EXEMPT = new Map([
  ['lib/tls/verdict.ts', 'only types: there is nothing to load'],
  ['lib/acme/directory-calls.ts', 'only types: there is nothing to load'],
  ['lib/cli/fastify-endpoint.ts', 'run as a program, from dist, by test/cli/the-program-exits-with-the-status-of-its-command.test.ts'],
  ['lib/revocation/thread/fastify-endpoint-thread.ts', 'runs in the worker thread, where coverage is not seen; its answers are tested by test/revocation and test/crl']
])

/** By file: at most how many lines run where coverage is not seen, and where that is. */
const UNSEEN = new Map([
  ['lib/revocation/thread/reader-thread.ts', { lines: 1, where: 'in a bundle, which test/package runs as a program' }],
  ['lib/revocation/thread/messages.ts', { lines: 4, where: 'in the worker thread itself, which sends; its effect is tested by test/revocation and test/crl' }],
  ['lib/revocation/sources/redis/connection.ts', { lines: 4, where: 'where a set is changed faster than it can be read, or is closed meanwhile: a matter of timing' }],
  ['lib/revocation/sources/redis/guarded.ts', { lines: 1, where: 'where ioredis is not installed, which it is here' }],
  ['lib/revocation/sources/redis/writer.ts', { lines: 2, where: 'where a server answers a script of Redis with something else, which no test has' }],
  ['lib/revocation/view.ts', { lines: 12, where: 'where two loads race: which way a run of test/revocation takes depends on its timing' }]
])

const root = fileURLToPath(new URL('..', import.meta.url))
const report = JSON.parse(readFileSync(`${root}.tap/report/coverage-final.json`, 'utf8'))
const files = readdirSync(`${root}lib`, { recursive: true }).map((file) => `lib/${file}`).filter((file) => file.endsWith('.ts') && !EXEMPT.has(file))

let total = 0
let covered = 0
const problems = []
for (const file of files) {
  const seen = report[root + file]
  if (seen === undefined) {
    const { length } = readFileSync(root + file, 'utf8').split('\n')
    total += length
    problems.push(`${file}: no test loads it`)
    continue
  }
  // V8 counts by lines: a statement here is a line.
  const lines = Object.entries(seen.statementMap).map(([id, { start }]) => ({ line: start.line, count: seen.s[id] }))
  const missed = lines.filter(({ count }) => count === 0).map(({ line }) => line)
  total += lines.length
  covered += lines.length - missed.length
  if (missed.length > (UNSEEN.get(file)?.lines ?? 0) && WHOLE.some((pattern) => pattern.test(file))) problems.push(`${file}: no test runs line ${missed.join(', ')}`)
}
const percent = 100 * covered / total
if (percent < OVERALL) problems.push(`${percent.toFixed(2)} % of all lines are covered, fewer than ${OVERALL} %`)
console.log(`coverage: ${percent.toFixed(2)} % of the lines of lib/ (${covered} of ${total})`)

if (process.argv.includes('--show')) process.exit()

if (reportSkipped() > 0 && process.env['CI'] === undefined) {
  console.log('The rule of coverage is therefore not applied.')
} else {
  for (const problem of problems) console.error(`coverage: ${problem}`)
  process.exitCode = problems.length === 0 ? 0 : 1
}
