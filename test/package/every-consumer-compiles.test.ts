/** Compiles against the installed package in each way that TypeScript resolves it, and checks its declarations too (no skipLibCheck). */
import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { installed } from '../support/installed.js'

const require = createRequire(import.meta.url)
const TSC = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
const TYPES = dirname(dirname(require.resolve('@types/node/package.json')))

const CONSUMERS = {
  'modules of both kinds under node20': ['app.mts', 'app.cts', '--module', 'node20'],
  'modules of both kinds under nodenext': ['app.mts', 'app.cts', '--module', 'nodenext'],
  'modules for a bundler': ['app.mts', '--module', 'esnext', '--moduleResolution', 'bundler']
}

for (const [name, args] of Object.entries(CONSUMERS)) {
  t.test(`${name} compile`, async (t) => {
    const folder = join(installed(), 'consumers')
    cpSync(join(import.meta.dirname, 'consumers'), folder, { recursive: true })
    const compiled = promisify(execFile)(process.execPath, [TSC, '--ignoreConfig', '--noEmit', '--strict', '--target', 'es2023', '--types', 'node', '--typeRoots', TYPES, ...args], { cwd: folder })
    await t.resolves(compiled.catch((failed) => { throw new Error(failed.stdout) }))
  })
}
