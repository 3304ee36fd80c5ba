import { rename, rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeCrlSite } from '../support/crl-site.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

const READY = { status: 'ready', reasons: [] }

t.test('a file that the list names but that cannot be loaded degrades the health', async (t) => {
  const site = await makeSite(t)
  await site.revoke('m*.pem')
  const endpoint = site.endpoint()
  const { app } = await startApp(t, endpoint)
  t.same(app.endpoint.health(), READY)
  const good = site.mallory.chain
  await writeFile(site.path('mallory.pem'), 'hunter2')
  await writeFile(site.path('miller.pem'), 'hunter2')
  await t.rejects(app.endpoint.reload())
  const health = app.endpoint.health()
  t.match(health, {
    status: 'degraded',
    reasons: [{ code: 'revocations_failed', endpoint, count: 2, error: 'FST_ENDPOINT_FILE_INVALID', file: site.path('mallory.pem'), message: /mallory\.pem/ }]
  })
  t.equal(health.reasons.length, 1, 'one reason for both of them')
  t.notMatch(JSON.stringify(health), 'hunter2', 'without what they hold')
  await rm(site.path('miller.pem'))
  await putInForce(app, () => writeFile(site.path('mallory.pem'), good))
  t.same(app.endpoint.health(), READY)
})

t.test('a wrong line of the list degrades the health', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, site.endpoint())
  await site.revoke('serial:hunter2')
  await t.rejects(app.endpoint.reload())
  t.match(app.endpoint.health().reasons, [{ code: 'revocations_failed', file: site.path('revoked.txt'), line: 2, count: 1 }])
})

t.test('a list that disappears degrades the health', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { app, port } = await startApp(t, site.endpoint())
  await rename(site.path('revoked.txt'), site.path('elsewhere'))
  await t.rejects(app.endpoint.reload())
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'list_unreadable', error: 'FST_ENDPOINT_FILE_UNREADABLE', file: site.path('revoked.txt') }] })
  await t.rejects(get(port, asClient(site, site.mallory)), 'no client is admitted')
  await writeFile(site.path('revoked.txt'), '')
  await t.rejects(app.endpoint.reload())
  t.match(app.endpoint.health().reasons, [{ code: 'list_unreadable', error: 'FST_ENDPOINT_LIST_EMPTIED' }], 'or becomes empty')
  await putInForce(app, () => rename(site.path('elsewhere'), site.path('revoked.txt')))
  t.same(app.endpoint.health(), READY)
})

t.test('a key that does not match its certificate degrades the health, while the old pair serves', async (t) => {
  const site = await makeSite(t)
  const endpoint = site.endpoint()
  const { app, port } = await startApp(t, endpoint)
  await writeFile(site.path('server.key'), site.alice.key)
  await t.rejects(app.endpoint.reload())
  const health = app.endpoint.health()
  t.match(health, { status: 'degraded', reasons: [{ code: 'credentials_failed', endpoint, error: 'FST_ENDPOINT_KEY_MISMATCH', count: 1 }] })
  t.notMatch(JSON.stringify(health), 'BEGIN', 'no key in it')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  await putInForce(app, () => writeFile(site.path('server.key'), site.server.key))
  t.same(app.endpoint.health(), READY)
})

t.test('good credentials that cannot be put in force yet degrade the health', async (t) => {
  const site = await makeCrlSite(t)
  const log = new LogCapture()
  await site.list('ca', site.ca, [site.mallory])
  const { app } = await startApp(t, site.strict(), undefined, { logger: log.logger, plugin: { limits: { entries: 3 } } })
  // No set can be built for the renewed authority while there are too many entries.
  const renewed = await createAuthority({ name: 'Test CA', keyPair: site.ca.keyPair })
  await site.list('second', site.ca, [site.alice, site.server], { number: 2 })
  await writeFile(site.path('ca.pem'), renewed.certificate)
  await t.rejects(app.endpoint.reload())
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'credentials_failed', error: 'FST_ENDPOINT_LIST_TOO_MANY_ENTRIES' }] })
  await site.remove('second')
  await log.line('credentials reloaded')
  await app.endpoint.reload()
  t.same(app.endpoint.health(), READY)
})
