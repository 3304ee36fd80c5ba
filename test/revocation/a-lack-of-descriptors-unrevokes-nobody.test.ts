import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const run = promisify(execFile)
const MODULE = new URL('../../lib/revocation/watch.ts', import.meta.url).href

t.test('a process without free descriptors keeps its set, even without events, and recovers', async (t) => {
  const { der, certificate } = await createAuthority()
  const list = join(makeTestFolder(t, { 'revoked.txt': 'certs/*.pem\n', certs: { 'a.pem': certificate } }), 'revoked.txt')
  const program = `
    import { closeSync, openSync, utimesSync, writeFileSync } from 'node:fs'
    import { once } from 'node:events'
    const { RevocationWatcher } = await import(${JSON.stringify(MODULE)})
    const hold = setInterval(() => {}, 1000)
    const watcher = await RevocationWatcher.start({ file: ${JSON.stringify(list)}, removalDelay: 0 })
    // No folder is watched yet, and none can be.
    const descriptors = []
    try { while (true) descriptors.push(openSync('/dev/null')) } catch {}
    utimesSync(${JSON.stringify(list)}, 1, 1)
    const [problems] = await once(watcher, 'failed')
    console.log(problems.map(({ code, message }) => code + ' ' + /EMFILE/.test(message)).join())
    console.log(watcher.set.find({ tbs: ${JSON.stringify(identifyCertificate(der).tbs)} }) !== undefined)
    const recovered = once(watcher, 'recovered')
    for (const descriptor of descriptors) closeSync(descriptor)
    await recovered
    const swapped = once(watcher, 'swapped')
    writeFileSync(${JSON.stringify(list)}, '# none')
    await swapped
    console.log(watcher.set.size)
    watcher.close()
    clearInterval(hold)`
  const { stdout } = await run('sh', ['-c', 'ulimit -n 128 && exec "$@"', 'sh', process.execPath, ...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  t.equal(stdout, 'FST_ENDPOINT_FILE_UNREADABLE true,FST_ENDPOINT_LIST_UNREADABLE true\ntrue\n0\n')
})

t.test('the first pattern that needs glob is a problem without free descriptors, and is followed when there are some', async (t) => {
  const folder = makeTestFolder(t, { 'a.pem': '' })
  const program = `
    import { closeSync, openSync } from 'node:fs'
    const { expandPattern } = await import(${JSON.stringify(new URL('../../lib/revocation/list/expand.ts', import.meta.url).href)})
    const expand = () => expandPattern('*.pem', { folder: ${JSON.stringify(folder)}, limit: 9, what: 'line 1', location: {}, observed: new Map() })
    const descriptors = []
    try { while (true) descriptors.push(openSync('/dev/null')) } catch {}
    const { problems, isUnseen } = await expand()
    console.log(problems.map(({ code, message }) => code + ' ' + /EMFILE/.test(message)).join(), isUnseen)
    for (const descriptor of descriptors) closeSync(descriptor)
    const { paths } = await expand()
    console.log(paths.length)`
  const { stdout } = await run('sh', ['-c', 'ulimit -n 128 && exec "$@"', 'sh', process.execPath, ...process.execArgv, '--input-type=module', '--eval', program], { timeout: 60_000 })
  t.equal(stdout, 'FST_ENDPOINT_LIST_PATTERN true true\n1\n')
})
