/**
 * Runs the tests of undocumented behaviour of Node.js on the versions where it has differed: how a TLSSocket shows a
 * client's chain, its verdict, its session and its keys.
 *
 *     npm run test:nodes                    # all of them, some minutes each
 *     npm run test:nodes -- 24.21 26.10     # some
 *
 * Each version comes from npm's package `node`; a missing version is replaced by the nearest one of
 * its line, with a note. Prints a line for each version and its failures; fails if there are any.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'

const VERSIONS = ['20.20', '22', '24.20', '24.21', '26.8', '26.10']
const FILES = ['gate', 'alert', 'resumption', 'path', 'expiry', 'tls', 'x509'].map((name) => `test/${name}/*.test.ts`)

/** Milliseconds that the tests of one version may take. */
const PATIENCE = 15 * 60_000

/** The newest published version that `wanted` begins, or else the nearest one of the same line. */
function choose (published, wanted) {
  const [major, minor] = wanted.split('.').map(Number)
  const ofLine = published.map((version) => version.split('.').map(Number)).filter((parts) => parts.every(Number.isInteger) && parts[0] === major)
  const distance = (parts) => minor === undefined ? 0 : Math.abs(parts[1] - minor)
  ofLine.sort((a, b) => distance(a) - distance(b) || b[1] - a[1] || b[2] - a[2])
  return ofLine[0]?.join('.')
}

/** All that tap prints on one version. */
async function runTests (version) {
  const child = spawn('npx', ['--yes', '--package', `node@${version}`, '--', 'tap', '--reporter=tap', '--disable-coverage', ...FILES], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Its own process group, so that all of it can be ended if it takes too long.
    detached: true,
    env: { ...process.env, NODE_UNDER_TEST: `v${version}` }
  })
  const end = () => { try { process.kill(-child.pid, 'SIGTERM') } catch {} }
  const timer = setTimeout(end, PATIENCE)
  process.once('exit', end)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text })
  const [status] = await once(child, 'close')
  clearTimeout(timer)
  process.off('exit', end)
  return { output, status }
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

const published = JSON.parse(execFileSync('npm', ['view', 'node', 'versions', '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
const asked = process.argv.slice(2)
for (const wanted of asked.length > 0 ? asked : VERSIONS) {
  const version = choose(published, wanted)
  if (version === undefined) throw new Error(`there is no Node.js ${wanted}`)
  if (!`${version}.`.startsWith(`${wanted}.`)) console.log(`there is no Node.js ${wanted}; the nearest is ${version}`)
  const { output, status } = await runTests(version)
  // A test prints this from inside its process.
  const seen = /# on (v\S+)/.exec(output)?.[1] ?? 'none of the tests'
  const [, passed = 0, failed = 0] = /^# \{ total: \d+(?:, pass: (\d+))?(?:, fail: (\d+))?/m.exec(output) ?? []
  console.log(`Node.js ${version} (the tests ran on ${seen}): ${passed} passed, ${failed} failed`)
  if (status === 0 && seen === `v${version}`) continue
  process.exitCode = 1
  // With the subtests, innermost first, as tap prints them.
  for (const [line] of output.matchAll(/^ *not ok .*$/gm)) console.log(line)
  if (Number(failed) === 0) console.log(output.slice(-2000))
}
