/**
 * Starts an app, with the option `metrics` or without it, and says whether prom-client was loaded.
 *
 *     node with-metrics.ts [metrics] [missing]      # missing: as if prom-client were not installed
 */
import { createRequire, register } from 'node:module'
import Fastify from 'fastify'
import endpoint, { serverFactory, type MetricsRegistry } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const [asked, missing] = ['metrics', 'missing'].map((word) => process.argv.includes(word))

if (missing) {
  // What Node says where it finds no such package.
  const resolve = `export async function resolve (name, context, next) {
    if (name !== 'prom-client') return await next(name, context)
    throw Object.assign(new Error("Cannot find package 'prom-client'"), { code: 'ERR_MODULE_NOT_FOUND' })
  }`
  register(`data:text/javascript,${encodeURIComponent(resolve)}`)
}

const registered = new Map<string, unknown>()
const registry: MetricsRegistry = {
  registerMetric: (metric: { name: string }) => { registered.set(metric.name, metric) },
  getSingleMetric: (name) => registered.get(name),
  removeSingleMetric: (name) => { registered.delete(name) }
}
const app = Fastify({ pluginTimeout: PATIENCE, serverFactory })
try {
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1', ...(asked && { metrics: registry }) })
  await app.listen()
  console.log('listening')
} catch (error) {
  const { code, message } = error as Error & { code: string }
  console.log(code, message)
}
await app.close()
const { cache } = createRequire(import.meta.url)
console.log(`loaded: ${Object.keys(cache).some((file) => file.includes('/prom-client/'))}`)
