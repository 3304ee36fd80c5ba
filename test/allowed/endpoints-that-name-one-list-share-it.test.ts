import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

t.test('one load changes all endpoints with the same files at once', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { app } = await startApp(t, [site.allowed, site.allowed])
  const [one, other] = app.endpoint.listeners
  t.equal(one?.allowed?.generation, 1)
  await site.allow('cn:mallory')
  await app.endpoint.reload()
  t.same(one?.allowed, other?.allowed)
  // The watcher may have noticed the change before the reload, which puts everything in force once more.
  t.ok((one?.allowed?.generation ?? 0) > 1)
  for (const { address } of app.endpoint.listeners) {
    const { port } = address as { port: number }
    t.equal((await get(port, asClient(site, site.mallory))).status, 200)
    await t.rejects(get(port, asClient(site, site.alice)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  }
})

t.test('the list stays in force while the authorities change, and later changes of the list are noticed', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'uri:spiffe://example.org/*'])
  const { app, port } = await startApp(t, site.allowed)
  const renewed = await createAuthority({ name: 'Another CA' })
  const [workload, alice, mallory] = await Promise.all([
    issueWorkload(renewed, 'spiffe://example.org/a'),
    renewed.issue({ name: 'alice', usage: 'client' }),
    renewed.issue({ name: 'mallory', usage: 'client' })
  ])
  await writeFile(site.path('ca.pem'), site.ca.certificate + renewed.certificate)
  await app.endpoint.reload()
  for (const client of [workload, alice, site.alice]) t.equal((await get(port, asClient(site, client))).status, 200)
  for (const client of [mallory, site.mallory]) await t.rejects(get(port, asClient(site, client)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  await site.allow('cn:mallory')
  await app.endpoint.reload()
  for (const client of [mallory, site.mallory]) t.equal((await get(port, asClient(site, client))).status, 200)
  for (const client of [workload, alice, site.alice]) await t.rejects(get(port, asClient(site, client)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  // Both change before the next load.
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await site.allow('cn:alice')
  await app.endpoint.reload()
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await t.rejects(get(port, asClient(site, alice)), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' })
})
