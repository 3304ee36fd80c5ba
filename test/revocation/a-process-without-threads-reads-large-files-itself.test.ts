import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { makeCrl, serialOf } from '../support/crl.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const AUTHORITIES = new URL('../../lib/x509/authorities.ts', import.meta.url).href
const WATCH = new URL('../../lib/revocation/watch.ts', import.meta.url).href

const root = await createAuthority({ name: 'Root' })
const eve = await root.issue({ name: 'eve' })

t.test('a process without threads reads large files at start, at a reload and with a growing list, and logs that once', async (t) => {
  const folder = makeTestFolder(t, { 'revoked.txt': '*.crl\n', 'a.crl': makeCrl(root, { number: 1 }).der, 'ca.pem': root.certificate })
  writeFileSync(join(folder, 'large'), makeLargeCrl(root, { count: 40_000, number: 2, include: [serialOf(eve.der)] }).der)
  writeFileSync(join(folder, 'larger'), makeLargeCrl(root, { count: 40_001, number: 3, include: [serialOf(eve.der)] }).der)
  // The error of the permission model, in a process that has all other permissions.
  const program = `
    const { readFileSync, renameSync } = await import('node:fs')
    const { once } = await import('node:events')
    const { X509Certificate } = await import('node:crypto')
    const threads = await import('node:worker_threads')
    const { syncBuiltinESMExports } = await import('node:module')
    threads.default.Worker = class { constructor () { throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' }) } }
    syncBuiltinESMExports()
    const { RevocationWatcher } = await import(${JSON.stringify(WATCH)})
    const { Authorities } = await import(${JSON.stringify(AUTHORITIES)})
    const timer = setInterval(() => {}, 1000)
    const path = (file) => ${JSON.stringify(folder)} + '/' + file
    const watcher = await RevocationWatcher.start({ file: path('revoked.txt'), authorities: new Authorities([new X509Certificate(readFileSync(path('ca.pem')))]) })
    for (const file of ['large', 'larger']) {
      const swapped = once(watcher, 'swapped')
      renameSync(path(file), path('a.crl'))
      await swapped
      console.log(watcher.set.size)
    }
    await watcher.reload()
    watcher.close()
    clearInterval(timer)`
  const { stdout, stderr } = await run(process.execPath, [...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  t.equal(stdout, '40001\n40002\n')
  t.equal(stderr.match(/no worker thread can be started \(Access to this API has been restricted\)/g)?.length, 1, stderr)
})
