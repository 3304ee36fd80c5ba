import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { run, type Run } from '../support/programs.js'

const SCRIPTS = Object.fromEntries(['coverage.mjs', 'skipped.mjs'].map((name) => [name, readFileSync(join(import.meta.dirname, '..', name), 'utf8')]))
const SKIPS = [
  '    ok 1 - redis is missing: install the Debian package redis-server # SKIP redis is missing: install the Debian package redis-server',
  '        ok 1 - nginx is missing: install the Debian package nginx-light # SKIP nginx is missing: install the Debian package nginx-light',
  '    ok 2 - redis is missing: install the Debian package redis-server # SKIP redis is missing: install the Debian package redis-server',
  'ok 1 - nobody asks for IPv6 # SKIP this machine has no IPv6 loopback',
  ''
].join('\n')

/** Judges a project of one file that no test covers. */
async function judge (t: Test, results: string, ci: Record<string, string> = {}): Promise<Run> {
  const root = t.testdir({ test: SCRIPTS, lib: { 'gate.ts': '\n' }, '.tap': { report: { 'coverage-summary.json': '{}' }, 'test-results': { test: { 'a.test.ts.tap': results } } } })
  const { CI: _ci, ...env } = process.env
  return await run(process.execPath, [join(root, 'test', 'coverage.mjs')], { env: { ...env, ...ci } })
}

t.test('if programs are missing, they are named with the number of skipped tests, and coverage is not required', async (t) => {
  t.match(await judge(t, SKIPS), { status: 0, stderr: '', stdout: /\n3 tests were skipped.* missing: nginx, redis\.\nOn Debian: apt-get install nginx-light redis-server\n/ })
})

t.test('if everything ran, a line that is not covered is a failure', async (t) => {
  t.match(await judge(t, 'ok 1 - all is there\n'), { status: 1, stderr: /lib\/gate\.ts: no test loads it/ })
})

t.test('in CI, a line that is not covered is a failure even if tests were skipped', async (t) => {
  t.match(await judge(t, SKIPS, { CI: 'true' }), { status: 1, stderr: /lib\/gate\.ts: no test loads it/ })
})
