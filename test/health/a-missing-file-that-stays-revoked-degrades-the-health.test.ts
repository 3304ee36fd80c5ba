import { rm, writeFile } from 'node:fs/promises'
import { rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrlSite } from '../support/crl-site.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'

const READY = { status: 'ready', reasons: [] }
const WARN = 40

t.test('a CRL whose file is missing degrades the health until there is a newer one', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  await site.list('ca', site.ca, [site.mallory])
  const endpoint = site.strict()
  const { app, port } = await startApp(t, endpoint, undefined, { logger: log.logger })
  await site.remove('ca')
  const line = await log.line('stays in force until a newer one')
  t.match(line, { level: WARN, err: { code: 'FST_ENDPOINT_CRL_KEPT' } })
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'revocations_held', endpoint, count: 1, error: 'FST_ENDPOINT_CRL_KEPT', file: site.path('ca.crl'), message: line.msg }] })
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'degraded', 'also after a reload')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.equal(log.about('stays in force until a newer one').length, 1, 'it is logged once')
  const { port: restarted } = await startApp(t, endpoint)
  t.equal((await get(restarted, asClient(site, site.mallory))).status, 200, 'and it is reloaded')

  await site.list('next', site.ca, [], { number: 2 })
  await app.endpoint.reload()
  t.same(app.endpoint.health(), READY)
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
})

t.test('an older CRL degrades the health until its line is removed', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  await site.list('ca', site.ca, [site.mallory], { number: 5 })
  const { app, port } = await startApp(t, site.strict(), undefined, { logger: log.logger })
  await site.list('ca', site.ca, [], { number: 4, thisUpdate: new Date('2020-01-01') })
  await log.line('is older than the previous one')
  await app.endpoint.reload()
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'revocations_held' }] })
  await writeFile(site.path('revoked.txt'), '# none\n')
  await app.endpoint.reload()
  t.same(app.endpoint.health(), READY)
  t.equal((await get(port, asClient(site, site.mallory))).status, 200)
  await rm(site.path('ca.crl'))
})

t.test('a list pattern that matches no file any more does not degrade the health', async (t) => {
  const site = await makeCrlSite(t)
  await writeFile(site.path('revoked.txt'), 'm*.pem\n')
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.strict(), undefined, { logger: log.logger })
  rmSync(site.path('mallory.pem'))
  await log.line('matches no file any more')
  t.same(app.endpoint.health(), READY)
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  while (app.endpoint.listeners[0]?.revocation?.size !== 0) await once(log, 'line')
  t.same(app.endpoint.health(), READY)
  writeFileSync(site.path('mallory.pem'), site.mallory.certificate)
})
