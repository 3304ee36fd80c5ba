/**
 * Runs the tests that are quick, all of a folder in one process: starting one for each file would take longer than
 * the tests. With `--all`, it also runs every other test, each in a process of its own.
 *
 *     node test/run.mjs [--all | --watch] [options of tap] [test/gate | test/gate/whatever-throws-in-the-gate-refuses.test.ts …]
 *
 * A file that is named runs however long it takes.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, watch, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { globSync } from 'glob'
import { ALONE, NEEDS_BUILD, TAKES_LONG } from './long.mjs'
import { reportSkipped } from './skipped.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
// One for each run: two may be under way.
const batches = join(root, '.tap', 'quick', String(process.pid))
const LONG = [...NEEDS_BUILD, ...Object.keys(TAKES_LONG)]

const words = process.argv.slice(2)
const isWatching = words.includes('--watch')
const isAll = words.includes('--all')
const options = words.filter((word) => word.startsWith('--') && word !== '--watch' && word !== '--all')
const named = words.filter((word) => !word.startsWith('--')).map((word) => word.replace(/^\.\//, '').replace(/\/$/, ''))

const all = globSync('test/**/*.test.ts', { cwd: root, posix: true }).sort()
for (const name of [...LONG, ...ALONE]) if (!all.some((file) => file.startsWith(`test/${name}`))) fail(`test/long.mjs names ${name}, and no test begins so`)

const isLong = (file) => isIn(LONG, file)
const chosen = all.filter((file) => named.length === 0
  ? isAll || !isLong(file)
  : named.some((name) => file === name || (file.startsWith(`${name}/`) && (isAll || !isLong(file)))))
if (chosen.length === 0) fail(`no quick test is in ${named.join(', ')}; npx tap runs the others`)

let running = run()
if (isWatching) {
  let timer
  for (const folder of ['lib', 'types', 'test']) {
    watch(join(root, folder), { recursive: true }, () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        running = running.then(run)
      }, 100)
    })
  }
} else {
  process.exitCode = await running
}

/** Runs tap once and gives its exit code. */
async function run () {
  mkdirSync(batches, { recursive: true })
  const alone = chosen.filter((file) => isIn(ALONE, file) || (isAll && isLong(file)))
  const folders = new Map()
  for (const file of chosen) if (!alone.includes(file)) folders.set(dirname(file), [...folders.get(dirname(file)) ?? [], file])
  // The largest first, so that no core is idle in the end.
  const sorted = [...folders].sort(([, some], [, others]) => others.length - some.length)
  const files = [...sorted.map(([folder, files]) => writeBatch(folder, files)), ...alone]
  const isWhole = named.length === 0
  const child = spawn('npx', ['tap', 'run', ...isWhole ? [] : ['--disable-coverage'], '--timeout=600', `--jobs=${availableParallelism() + 1}`, ...options, ...files], { cwd: root, stdio: 'inherit' })
  const code = await new Promise((resolve) => { child.once('close', resolve) })
  rmSync(batches, { recursive: true })
  if (isWhole && !isAll) {
    spawnSync(process.execPath, [join(root, 'test', 'coverage.mjs'), '--show'], { stdio: 'inherit' })
    console.log(`${chosen.length} of ${all.length} test files ran; npm run test:all runs all.`)
  }
  if (!isAll) reportSkipped()
  return code ?? 1
}

/** A program that runs test files one after the other, and fails if the root test of tap ends before all of them have run. */
function writeBatch (folder, files) {
  const path = join(batches, `${folder.replaceAll('/', '-')}.mjs`)
  const lines = files.flatMap((file) => [
    `await import(${JSON.stringify(new URL(`../${file}`, import.meta.url))})`,
    // Resolves when all tests before it are over. It does not run if the root has ended: tap then drops tests, and reports no failure.
    `await t.test(${JSON.stringify(`all of ${basename(file)}`)}, async () => { over++ })`
  ])
  const check = `if (over !== ${files.length}) throw new Error(\`only \${over} of ${files.length} files ran: the root test ended before\`)`
  writeFileSync(path, ["import t from 'tap'", 'let over = 0', ...lines, check, ''].join('\n'))
  return path
}

function isIn (names, file) {
  return names.some((name) => file.startsWith(`test/${name}`))
}

function fail (message) {
  console.error(message)
  process.exit(2)
}
