import { appendFile, chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeAllowedSite, replace } from '../support/allowed-site.js'
import { LoadingAllowed } from '../support/loading-allowed.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRights } from '../support/without-rights.js'

const READY = { status: 'ready', reasons: [] }
const FAILED = 'rules of allowedFile cannot be loaded: the previous content stays in force'
const RECOVERED = 'rules of allowedFile loaded without problems again'

t.test('each problem is logged once and degrades the health until the list is good again', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const list = site.path('allowed.txt')
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.allowed, undefined, { logger: log.logger })
  const seen = async (client: typeof site.alice): Promise<number> => (await get(port, asClient(site, client)).catch(() => ({ status: 0 }))).status
  for (const [spoil, error] of [
    [async () => { await replace(list, 'cn:mallory\nip:10.0.0.0/1') }, 'FST_ENDPOINT_ALLOWED_SYNTAX'],
    [async () => { await replace(list, 'cn:mallory\ndns:*\n') }, 'FST_ENDPOINT_ALLOWED_SYNTAX'],
    [async () => { await replace(list, '# cn:mallory\n') }, 'FST_ENDPOINT_ALLOWED_INVALID'],
    [async () => { await rm(list) }, 'FST_ENDPOINT_FILE_UNREADABLE'],
    [async () => {
      await rm(list)
      await mkdir(list)
    }, 'FST_ENDPOINT_FILE_NOT_REGULAR']
  ] as const) {
    log.lines.length = 0
    await spoil()
    t.match(await log.line(FAILED), { level: 50, err: { code: error } })
    await t.rejects(app.endpoint.reload(), { code: error, file: list })
    await t.rejects(app.endpoint.reload(), { code: error })
    t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'allowed_failed', error, file: list, count: 1 }] })
    t.equal(app.endpoint.health().reasons.length, 1)
    t.same([await seen(site.alice), await seen(site.mallory)], [200, 0])
    t.equal(log.about(FAILED).length, 1, error)
    await rm(list, { recursive: true, force: true })
    await replace(list, 'cn:alice\n')
    await app.endpoint.reload()
    await log.line(RECOVERED)
    t.same(app.endpoint.health(), READY)
  }
})

t.test('a list that is no longer readable keeps its rules in force', async (t) => {
  const loading = new LoadingAllowed(makeTestFolder(t, { 'allowed.txt': 'cn:alice\n' }))
  await loading.start()
  await replace(loading.list, 'cn:mallory\n')
  await chmod(loading.list, 0)
  t.same(await withoutRights(() => loading.pass()), ['alice', 'FST_ENDPOINT_FILE_UNREADABLE'])
  t.match(loading.loaded?.problems, [/permission denied/])
})

t.test('a problem of the revocation list does not stop changes of the allowed list, nor the reverse', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { app, port } = await startApp(t, site.allowed)
  await site.revoke('nonsense:x')
  await site.allow('cn:mallory')
  await t.rejects(app.endpoint.reload())
  t.match(app.endpoint.health().reasons, [{ code: 'revocations_failed' }])
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
  await t.rejects(get(port, asClient(site, site.alice)))
  await writeFile(site.path('revoked.txt'), 'mallory.pem\n')
  await site.allow('cn:')
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX' })
  t.match(app.endpoint.health().reasons, [{ code: 'allowed_failed' }])
  await t.rejects(get(port, asClient(site, site.mallory)), { code: /^ERR_SSL_.*_ALERT_CERTIFICATE_REVOKED$/ })
})

t.test('app.endpoint.reload() waits for a list that is being written in place', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.allowed, undefined, { logger: log.logger })
  await appendFile(site.path('allowed.txt'), 'cn:mallory\n')
  await app.endpoint.reload()
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
  t.equal(log.about('has changed: it takes effect when it has not changed for 2000 ms').length, 1)
})

t.test('an app with a wrong list fails to start', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:'])
  await t.rejects(startApp(t, site.allowed), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 2, file: site.path('allowed.txt'), argument: 'allowedFile' })
})
