import { rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { RevocationWatcher } from '../../lib/revocation/watch.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { startWatcher } from '../support/watching.js'

const authority = await createAuthority()
const [alice, bob] = [await authority.issue({ name: 'alice' }), await authority.issue({ name: 'bob' })]
/** Longer than any test runs. */
const NEVER = 1_000_000

async function start (t: Test): Promise<{ watcher: RevocationWatcher, path: (file: string) => string, isRevoked: (issued: typeof alice) => boolean }> {
  const folder = makeTestFolder(t, { 'revoked.txt': `*.pem\ntbs:${identifyCertificate(bob.der).tbs}\n`, 'a.pem': alice.certificate })
  const watcher = await startWatcher(t, { file: join(folder, 'revoked.txt'), removalDelay: NEVER })
  return { watcher, path: (file) => join(folder, file), isRevoked: ({ der }) => watcher.set.find(identifyCertificate(der)) !== undefined }
}

t.test('a removed file and a removed line go out of force if two scans agree', async (t) => {
  const { watcher, path, isRevoked } = await start(t)
  rmSync(path('a.pem'))
  writeFileSync(path('revoked.txt'), '*.pem\n')
  await watcher.reload()
  t.notOk(isRevoked(alice))
  t.notOk(isRevoked(bob))
})

t.test('the first scan adds new entries, and the second keeps entries that are back', async (t) => {
  const { watcher, path, isRevoked } = await start(t)
  const carol = await authority.issue({ name: 'carol' })
  rmSync(path('a.pem'))
  writeFileSync(path('b.pem'), carol.certificate)
  watcher.once('swapped', () => {
    t.ok(isRevoked(carol))
    t.ok(isRevoked(alice))
    writeFileSync(path('c.pem'), alice.certificate)
  })
  await watcher.reload()
  t.ok(isRevoked(alice))
})

t.test('an automatic reload releases nothing early', async (t) => {
  const { watcher, path, isRevoked } = await start(t)
  rmSync(path('a.pem'))
  await watcher.catchUp()
  await watcher.catchUp()
  t.ok(isRevoked(alice))
})

t.test('scans that see a different file each time do not agree', async (t) => {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': 'a.pem\n', 'a.pem': alice.certificate + bob.certificate }))
  reloading.removalDelay = NEVER
  await reloading.scan()
  writeFileSync(reloading.path('a.pem'), alice.certificate)
  await reloading.scan()
  writeFileSync(reloading.path('a.pem'), authority.certificate)
  await reloading.scan(true)
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  await reloading.scan(true)
  t.same(reloading.revoked(alice, bob), [])
})

t.test('the app and its signal can ask for such a reload', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  await site.revoke('mallory.pem')
  await site.revoke('alice.pem')
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger, plugin: { reloadSignal: 'SIGUSR2', removalDelay: NEVER } })
  await t.rejects(get(port, asClient(site, site.mallory)))
  writeFileSync(site.path('revoked.txt'), '# nobody\nalice.pem\n')
  await app.endpoint.reload()
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
  await t.rejects(get(port, asClient(site, site.alice)))
  writeFileSync(site.path('revoked.txt'), '# nobody\n')
  process.kill(process.pid, 'SIGUSR2')
  while (app.endpoint.listeners[0]?.revocation?.size !== 0) await once(log, 'line')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})
