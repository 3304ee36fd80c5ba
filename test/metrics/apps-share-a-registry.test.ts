import { AggregatorRegistry, Counter, Registry } from 'prom-client'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Scrape } from '../support/scrape.js'

const scrape = async (metrics: Registry<never> | Registry): Promise<Scrape> => new Scrape(await (metrics as Registry).metrics())
const endpointsOf = (shown: Scrape, name: string): unknown[] => [...new Set(shown.all(name).map(({ labels }) => labels['endpoint']))].sort()

t.test('several apps on one registry have separate endpoints, which disappear when their app closes', async (t) => {
  const metrics = new Registry()
  new Counter({ name: 'orders_total', help: 'of the app', registers: [metrics] }).inc()
  const site = await makeSite(t)
  const plugin = { metrics }
  const first = await startApp(t, [site.endpoint(), 'tcp:0:interface=127.0.0.1', site.endpoint()], undefined, { plugin })
  const second = await startApp(t, [site.endpoint(), 'unix:/nonexistent/a\\:b.sock'].slice(0, 1), undefined, { plugin })
  await get(second.port, asClient(site, site.alice))
  const [a, b, c] = ['tls:0:interface=127.0.0.1', 'tls:0:interface=127.0.0.1 (2)', 'tls:0:interface=127.0.0.1 (3)']
  const both = await scrape(metrics)
  t.same(endpointsOf(both, 'fastify_endpoint_handshakes_total'), [a, b, c])
  t.same(endpointsOf(both, 'fastify_endpoint_connections'), ['tcp:0:interface=127.0.0.1', a, b, c])
  t.equal(both.value('fastify_endpoint_handshakes_total', { endpoint: c as string, version: 'TLSv1.3', result: 'admitted' }), 1)
  await first.app.close()
  const one = await scrape(metrics)
  for (const name of ['fastify_endpoint_handshakes_total', 'fastify_endpoint_connections', 'fastify_endpoint_reload_duration_seconds_count']) t.same(endpointsOf(one, name), [c], name)
  await second.app.close()
  t.same([...(await scrape(metrics)).metrics.keys()], ['orders_total'], 'the last app removes the metrics')
})

t.test('a new app on the same registry counts from 0, and no metrics accumulate', async (t) => {
  const metrics = new Registry()
  const site = await makeSite(t)
  let lines = 0
  for (let round = 0; round < 5; round++) {
    const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { metrics } })
    await get(port, asClient(site, site.alice))
    await app.endpoint.reload()
    const shown = await scrape(metrics)
    t.equal(shown.value('fastify_endpoint_handshakes_total', { version: 'TLSv1.3', result: 'admitted' }), 1)
    if (round > 0) t.equal(shown.samples.length, lines)
    lines = shown.samples.length
    await app.close()
    t.equal(await metrics.metrics(), '\n')
  }
})

t.test('the metrics of several processes are aggregated as each metric specifies', async (t) => {
  const site = await makeSite(t)
  const [one, two] = [new Registry(), new Registry()]
  for (const metrics of [one, two]) {
    const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { metrics } })
    await get(port, asClient(site, site.alice))
    if (metrics === two) await app.endpoint.reload()
  }
  const shown = new Scrape(await AggregatorRegistry.aggregate(await Promise.all([one, two].map((metrics) => metrics.getMetricsAsJSON()))).metrics())
  t.equal(shown.value('fastify_endpoint_handshakes_total', { version: 'TLSv1.3', result: 'admitted' }), 2)
  t.equal(shown.value('fastify_endpoint_revocation_generation'), 1, 'the least')
  t.equal(shown.value('fastify_endpoint_certificate_not_after_timestamp_seconds', { argument: 'certKey' }), Date.parse(site.server.x509.validTo) / 1000)
})

t.test('an app that fails to start leaves no metrics behind', async (t) => {
  const metrics = new Registry()
  await t.rejects(startApp(t, 'tls:0:privateKey=/nonexistent', undefined, { plugin: { metrics } }), { code: 'FST_ENDPOINT_FILE_UNREADABLE' })
  t.equal(await metrics.metrics(), '\n')
})

t.test('a cleared registry accepts the metrics of the next app', async (t) => {
  const metrics = new Registry()
  await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin: { metrics } })
  metrics.clear()
  await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { plugin: { metrics } })
  t.equal((await scrape(metrics)).all('fastify_endpoint_connections').length, 2)
})

t.test('an OpenMetrics registry works too', async (t) => {
  const metrics = new Registry()
  metrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const site = await makeSite(t)
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin: { metrics } })
  for (let again = 0; again < 2; again++) t.match(await metrics.metrics(), /^fastify_endpoint_handshakes_total\{[^\n]*\} 0$/m)
  await app.close()
  t.equal(await metrics.metrics(), '\n# EOF\n')
})
