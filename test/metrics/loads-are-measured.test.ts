import { mkdir, writeFile } from 'node:fs/promises'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeCrlSite } from '../support/crl-site.js'
import { makeSite, putInForce, startApp, type RunningApp } from '../support/mutual-tls.js'
import { Scrape } from '../support/scrape.js'

const DAY = 24 * 60 * 60 * 1000
const NOW = Math.floor(Date.now() / 1000) * 1000
const inDays = (days: number): Date => new Date(NOW + days * DAY)
const endpoint = 'tls:0:interface=127.0.0.1'

async function start (t: Test, string: string): Promise<RunningApp & { scrape (): Promise<Scrape> }> {
  const metrics = new Registry()
  const running = await startApp(t, string, undefined, { plugin: { metrics } })
  return { ...running, scrape: async () => new Scrape(await metrics.metrics()) }
}

t.test('metrics show what is in force, how long loads take, and when the last good one was', async (t) => {
  const site = await makeSite(t)
  const { app, scrape } = await start(t, site.endpoint())
  const before = await scrape()
  const revocations = { endpoint, what: 'revocations' }
  for (const what of ['revocations', 'credentials']) {
    t.equal(before.value('fastify_endpoint_reload_duration_seconds_count', { endpoint, what }), 0)
    t.equal(before.value('fastify_endpoint_reload_failures_total', { endpoint, what }), 0)
    t.equal(before.value('fastify_endpoint_problems', { endpoint, what }), 0)
  }
  t.equal(before.value('fastify_endpoint_revocation_entries', { endpoint }), 0)
  t.equal(before.value('fastify_endpoint_revocation_generation', { endpoint }), 1)
  const loaded = before.value('fastify_endpoint_last_good_load_timestamp_seconds', revocations) as number
  t.ok(Math.abs(loaded - Date.now() / 1000) < 60, 'in seconds')

  await putInForce(app, () => site.revoke('mallory.pem'))
  const good = await scrape()
  t.equal(good.value('fastify_endpoint_revocation_entries', { endpoint }), 1)
  // The watcher may have seen the line before it was asked.
  t.ok(good.value('fastify_endpoint_revocation_generation', { endpoint }) as number >= 2)
  t.ok(good.value('fastify_endpoint_last_good_load_timestamp_seconds', revocations) as number > loaded)
  for (const what of ['revocations', 'credentials']) {
    const count = good.value('fastify_endpoint_reload_duration_seconds_count', { endpoint, what }) as number
    t.ok(count >= 1)
    const took = good.value('fastify_endpoint_reload_duration_seconds_sum', { endpoint, what }) as number
    t.ok(took > 0 && took < 60, `${took} seconds`)
    t.ok((good.value('fastify_endpoint_reload_event_loop_hold_seconds_count', { endpoint, what }) as number) >= 1)
  }

  await writeFile(site.path('mallory.pem'), 'garbage')
  await writeFile(site.path('server.key'), site.alice.key)
  await t.rejects(app.endpoint.reload())
  const bad = await scrape()
  for (const what of ['revocations', 'credentials']) {
    t.ok((bad.value('fastify_endpoint_reload_failures_total', { endpoint, what }) as number) >= 1)
    t.equal(bad.value('fastify_endpoint_problems', { endpoint, what }), 1)
  }
  t.equal(bad.value('fastify_endpoint_revocation_entries', { endpoint }), 1)
  await t.rejects(app.endpoint.reload())
  t.equal((await scrape()).value('fastify_endpoint_last_good_load_timestamp_seconds', revocations), bad.value('fastify_endpoint_last_good_load_timestamp_seconds', revocations), 'a load with problems is not a good one')
})

t.test('a metric shows how long a load blocks the event loop', async (t) => {
  const site = await makeSite(t)
  const { app, scrape } = await start(t, site.endpoint())
  const reloaded = app.endpoint.reload()
  // Calls in the same turn share the load, so it begins after that turn.
  await Promise.resolve()
  const end = performance.now() + 300
  while (performance.now() < end);
  await reloaded
  const held = (await scrape()).value('fastify_endpoint_reload_event_loop_hold_seconds_sum', { endpoint, what: 'credentials' }) as number
  t.ok(held > 0.28, `${held} seconds`)
})

/** A label holds the end of a long path. */
const label = (path: string): string => path.length <= 120 ? path : `…${path.slice(-120)}`

t.test('metrics show when CRLs and certificates expire, by file', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [site.mallory], { thisUpdate: inDays(-1), nextUpdate: inDays(6) })
  const { app, scrape } = await start(t, site.endpoint())
  const seconds = (date: Date): number => date.getTime() / 1000
  const first = await scrape()
  t.same(first.all('fastify_endpoint_crl_next_update_timestamp_seconds'), [{ name: 'fastify_endpoint_crl_next_update_timestamp_seconds', labels: { endpoint, file: label(site.path('ca.crl')), issuer: 'CN=Test CA' }, value: seconds(inDays(6)) }])
  t.equal(first.value('fastify_endpoint_certificate_not_after_timestamp_seconds', { argument: 'certKey', file: label(site.path('server.pem')) }), Date.parse(site.server.x509.validTo) / 1000)
  t.equal(first.value('fastify_endpoint_certificate_not_after_timestamp_seconds', { argument: 'authorities', file: label(site.path('ca.pem')) }), Date.parse(site.ca.x509.validTo) / 1000)
  await putInForce(app, () => site.list('ca', site.ca, [site.mallory], { number: 2, thisUpdate: inDays(0), nextUpdate: inDays(7) }))
  t.equal((await scrape()).value('fastify_endpoint_crl_next_update_timestamp_seconds'), seconds(inDays(7)))
})

t.test('if there are many files, metrics show those that expire first, under printable names', async (t) => {
  const site = await makeSite(t)
  const names = site.path(`n\u202e${'x'.repeat(150)}`)
  await mkdir(names)
  const leaf = (days: number) => site.ca.issue({ name: 'x', usage: 'server', dnsNames: ['x.example'], notAfter: inDays(days) })
  const [soon, late] = await Promise.all([leaf(10), leaf(20)])
  for (let index = 0; index < 60; index++) await writeFile(`${names}/host${index}.example.pem`, (index % 2 ? soon : late).key + (index % 2 ? soon : late).chain)
  const { scrape } = await start(t, `${site.endpoint()}:sni=${quoteEndpointArgument(names)}`)
  const shown = (await scrape()).all('fastify_endpoint_certificate_not_after_timestamp_seconds')
  t.equal(shown.length, 50)
  t.equal(shown.filter(({ value }) => value === inDays(10).getTime() / 1000).length, 30, 'all that expire first')
  for (const { labels: { file = '' } } of shown) t.ok(file.length <= 140 && !file.includes('\u202e'), file)
})
