import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run, type Run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'

const SCRIPTS = Object.fromEntries(['coverage.mjs', 'skipped.mjs'].map((name) => [name, readFileSync(join(import.meta.dirname, '..', name), 'utf8')]))
const SKIPS = [
  '    ok 1 - redis is missing: install the Debian package redis-server # SKIP redis is missing: install the Debian package redis-server',
  '        ok 1 - nginx is missing: install the Debian package nginx-light # SKIP nginx is missing: install the Debian package nginx-light',
  '    ok 2 - redis is missing: install the Debian package redis-server # SKIP redis is missing: install the Debian package redis-server',
  'ok 1 - nobody asks for IPv6 # SKIP this machine has no IPv6 loopback',
  ''
].join('\n')

/** Judges a project of one file that no test covers, unless the report says otherwise. */
async function judge (t: Test, results: string, ci: Record<string, string> = {}, report: (root: string) => object = () => ({})): Promise<Run> {
  const root = makeTestFolder(t, { test: SCRIPTS, lib: { allowed: { 'rule.ts': '\n\n' } }, '.tap': { report: {}, 'test-results': { test: { 'a.test.ts.tap': results } } } })
  writeFileSync(join(root, '.tap', 'report', 'coverage-final.json'), JSON.stringify(report(root)))
  const { CI: _ci, ...env } = process.env
  return await run(process.execPath, [join(root, 'test', 'coverage.mjs')], { env: { ...env, ...ci } })
}

t.test('if programs are missing, they are named with the number of skipped tests, and coverage is not required', async (t) => {
  t.match(await judge(t, SKIPS), { status: 0, stderr: '', stdout: /\n3 tests were skipped.* missing: nginx, redis\.\nOn Debian: apt-get install nginx-light redis-server\n/ })
})

t.test('if everything ran, a line that is not covered is a failure', async (t) => {
  t.match(await judge(t, 'ok 1 - all is there\n'), { status: 1, stderr: /lib\/allowed\/rule\.ts: no test loads it/ })
})

t.test('in CI, a line that is not covered is a failure even if tests were skipped', async (t) => {
  t.match(await judge(t, SKIPS, { CI: 'true' }), { status: 1, stderr: /lib\/allowed\/rule\.ts: no test loads it/ })
})

t.test('the lines that no test runs are named, also if the percentage is high enough', async (t) => {
  const lines = [...Array(100).keys()]
  const statementMap = Object.fromEntries(lines.map((line) => [line, { start: { line: line + 1 } }]))
  const s = Object.fromEntries(lines.map((line) => [line, line === 40 || line === 41 ? 0 : 1]))
  const report = (root: string): object => ({ [join(root, 'lib', 'allowed', 'rule.ts')]: { statementMap, s } })
  t.match(await judge(t, 'ok 1 - all is there\n', {}, report), {
    status: 1, stdout: /coverage: 98\.00 % of the lines of lib\/ \(98 of 100\)/, stderr: /^coverage: lib\/allowed\/rule\.ts: no test runs line 41, 42\n$/
  })
})
