import { Registry } from 'prom-client'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { startApp } from '../support/mutual-tls.js'
import { Scrape } from '../support/scrape.js'

const endpoint = 'tls:0:interface=127.0.0.1'

t.test('metrics show the rules of the list, and its problems separately from those of revocations', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:bob'])
  const metrics = new Registry()
  const { app } = await startApp(t, site.allowed, undefined, { plugin: { metrics } })
  const scrape = async (): Promise<Scrape> => new Scrape(await metrics.metrics())
  const problems = (shown: Scrape): unknown[] => ['allowed', 'revocations', 'credentials'].map((what) => shown.value('fastify_endpoint_problems', { endpoint, what }))
  const failures = (shown: Scrape, what: string): number => shown.value('fastify_endpoint_reload_failures_total', { endpoint, what }) as number
  const before = await scrape()
  t.equal(before.value('fastify_endpoint_allowed_rules', { endpoint }), 2)
  t.same(problems(before), [0, 0, 0])
  t.equal(failures(before, 'allowed'), 0)
  t.equal(before.value('fastify_endpoint_reload_duration_seconds_count', { endpoint, what: 'allowed' }), 0)
  const loaded = before.value('fastify_endpoint_last_good_load_timestamp_seconds', { endpoint, what: 'allowed' }) as number
  t.ok(Math.abs(loaded - Date.now() / 1000) < 60)

  await site.allow('cn:alice')
  await app.endpoint.reload()
  t.equal((await scrape()).value('fastify_endpoint_allowed_rules', { endpoint }), 1)

  await site.allow('cn:')
  await t.rejects(app.endpoint.reload())
  const bad = await scrape()
  t.same(problems(bad), [1, 0, 0])
  t.ok(failures(bad, 'allowed') >= 1)
  t.equal(failures(bad, 'revocations'), 0)
  t.equal(bad.value('fastify_endpoint_allowed_rules', { endpoint }), 1, 'the previous rules are in force')
  t.ok(bad.value('fastify_endpoint_reload_duration_seconds_count', { endpoint, what: 'allowed' }) as number >= 2)

  await site.allow('cn:alice', 'cn:bob', 'cn:carol')
  await site.revoke('nonsense:')
  await t.rejects(app.endpoint.reload())
  const other = await scrape()
  t.same(problems(other), [0, 1, 0])
  t.ok(failures(other, 'revocations') >= 1)
  t.equal(other.value('fastify_endpoint_allowed_rules', { endpoint }), 3)
})

t.test('without a revocation list, there are no metrics about revocations', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const metrics = new Registry()
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const { app } = await startApp(t, site.endpoint(`:authorities=${named('ca.pem')}:allowedFile=${named('allowed.txt')}`), undefined, { plugin: { metrics } })
  await app.endpoint.reload()
  const text = await metrics.metrics()
  t.notMatch(text, 'what="revocations"')
  t.match(new Scrape(text).value('fastify_endpoint_allowed_rules', { endpoint }), 1)
})
