import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const INDEX = new URL('../../lib/revocation/index.ts', import.meta.url).href

const root = await createAuthority({ name: 'Root' })
const crl = makeLargeCrl(root, { count: 40_000 }).der

for (const flags of [[], ['--expose-gc'], ['--max-old-space-size=256'], ['--stack-size=900'], ['--input-type=module'], ['--input-type=module', '--expose-gc']]) {
  t.test(`a thread starts with ${flags.join(' ') || 'no flags'}`, async (t) => {
    const folder = makeTestFolder(t, { 'root.crl': crl, 'ca.pem': root.certificate })
    const program = `Promise.all([import('node:fs'), import('node:crypto'), import(${JSON.stringify(INDEX)})]).then(async ([{ readFileSync }, { X509Certificate }, { loadRevocations }]) => {
      const authorities = [new X509Certificate(readFileSync(${JSON.stringify(join(folder, 'ca.pem'))}))]
      const set = await loadRevocations({ patterns: [${JSON.stringify(join(folder, 'root.crl'))}], authorities })
      console.log(set.size)
    })`
    const { stdout } = await run(process.execPath, [...process.execArgv, ...flags, '--eval', program], { timeout: 60_000 })
    t.equal(stdout, '40000\n')
  })
}
