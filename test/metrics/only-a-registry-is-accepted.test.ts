import { Counter, Registry } from 'prom-client'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('the plugin rejects an object that is not a prom-client registry', async (t) => {
  for (const metrics of [{}, 'default', true, null, () => {}]) {
    await t.rejects(startApp(t, 'tcp:0', undefined, { plugin: { metrics: metrics as unknown as Registry } }), {
      code: 'FST_ENDPOINT_INVALID_OPTION', message: 'The option metrics of the plugin must be a Registry of prom-client'
    })
  }
})

t.test('a registry that already has a metric of the same name stays unchanged', async (t) => {
  const metrics = new Registry()
  new Counter({ name: 'fastify_endpoint_connections_cut_total', help: 'of somebody else', registers: [metrics] }).inc(3)
  await t.rejects(startApp(t, 'tcp:0', undefined, { plugin: { metrics } }), { code: 'FST_ENDPOINT_METRICS_TAKEN', message: /fastify_endpoint_connections_cut_total/ })
  t.match(await metrics.metrics(), /^# HELP fastify_endpoint_connections_cut_total of somebody else\n# TYPE \S+ counter\n\S+ 3\n$/)
})
