/**
 * Proves which Node.js ran the tests, from the command lines of the test processes that tap records. Fails if one of them is
 * another version than the given one. A process writes its record when it ends, so a process that a test kills at that moment leaves
 * an incomplete record, which is counted and not read.
 *
 *     node .ci/test-processes.mjs v24.0.0
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

const [, , expected] = process.argv
const folder = new URL('../.tap/processinfo/', import.meta.url)
const programs = new Map()
let incomplete = 0
for (const file of readdirSync(folder)) {
  const record = readFileSync(new URL(file, folder), 'utf8')
  if (!record.endsWith('\n}\n')) {
    incomplete += 1
    continue
  }
  const { argv: [program] } = JSON.parse(record)
  programs.set(program, (programs.get(program) ?? 0) + 1)
}
if (incomplete > 0) console.log(`${incomplete} processes were killed while they wrote their record`)
const versions = [...programs].map(([program, count]) => {
  const version = execFileSync(program, ['--print', 'process.version'], { encoding: 'utf8' }).trim()
  console.log(`${count} processes on ${version}`)
  return version
})
if (versions.length === 0 || versions.some((version) => version !== expected)) process.exitCode = 1
