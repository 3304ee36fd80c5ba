import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const INDEX = new URL('../../lib/revocation/index.ts', import.meta.url).href
const AUTHORITIES = new URL('../../lib/x509/authorities.ts', import.meta.url).href
const WATCH = new URL('../../lib/revocation/watch.ts', import.meta.url).href

const root = await createAuthority({ name: 'Root' })
const files = { 'revoked.txt': 'root.crl\n', 'root.crl': makeLargeCrl(root, { count: 40_000 }).der, 'ca.pem': root.certificate }

/** Runs a program to its end; `folder` holds the files, and `authorities` are those of the root. */
async function runProgram (folder: string, body: string): Promise<string> {
  const program = `import { readFileSync } from 'node:fs'
    import { X509Certificate } from 'node:crypto'
    import { Authorities } from ${JSON.stringify(AUTHORITIES)}
    const folder = ${JSON.stringify(folder)}
    const authorities = [new X509Certificate(readFileSync(folder + '/ca.pem'))]
    ${body}`
  const { stdout } = await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  return stdout
}

t.test('a script that loads a large CRL gets it and exits', async (t) => {
  t.equal(await runProgram(makeTestFolder(t, files), `const { loadRevocations } = await import(${JSON.stringify(INDEX)})
    const set = await loadRevocations({ list: folder + '/revoked.txt', authorities })
    console.log(set.size)`), '40000\n')
})

t.test('a program with a watcher exits while its thread is still running', async (t) => {
  t.equal(await runProgram(makeTestFolder(t, files), `const { RevocationWatcher } = await import(${JSON.stringify(WATCH)})
    const watcher = await RevocationWatcher.start({ file: folder + '/revoked.txt', authorities: new Authorities(authorities) })
    console.log(watcher.set.size)`), '40000\n')
})

t.test('a program exits only after its reload has finished', async (t) => {
  t.equal(await runProgram(makeTestFolder(t, files), `const { RevocationWatcher } = await import(${JSON.stringify(WATCH)})
    const { writeFileSync } = await import('node:fs')
    const watcher = await RevocationWatcher.start({ file: folder + '/revoked.txt', authorities: new Authorities(authorities) })
    writeFileSync(folder + '/root.crl', readFileSync(folder + '/root.crl'))
    await watcher.reload()
    console.log(watcher.generation)`), '2\n')
})
