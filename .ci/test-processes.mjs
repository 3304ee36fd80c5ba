/**
 * Proves on which Node.js the tests ran: tap notes the command line of each of its processes. Prints
 * what they are, and fails unless all of them are the version that is given.
 *
 *     node .ci/test-processes.mjs v24.0.0
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

const [, , expected] = process.argv
const folder = new URL('../.tap/processinfo/', import.meta.url)
const programs = new Map()
for (const file of readdirSync(folder)) {
  const { argv: [program] } = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  programs.set(program, (programs.get(program) ?? 0) + 1)
}
const versions = [...programs].map(([program, count]) => {
  const version = execFileSync(program, ['--print', 'process.version'], { encoding: 'utf8' }).trim()
  console.log(`${count} processes on ${version}`)
  return version
})
if (versions.length === 0 || versions.some((version) => version !== expected)) process.exitCode = 1
