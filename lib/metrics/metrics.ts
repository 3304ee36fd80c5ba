/**
 * The option `metrics`: registers the metrics of an app's endpoints with prom-client.
 *
 * Several apps may share a registry, one after another or at the same time. The first of them makes the metrics, and the
 * last removes them. Only this file imports prom-client, and only if the option is set.
 */
import type * as PromClient from 'prom-client'
import type { Histogram, Metric, Registry } from 'prom-client'
import type { Connections } from '../engine/connections.js'
import { errors, located, reasonOf } from '../errors.js'
import type { Listener } from '../layers/listener.js'
import type { LoadReport } from '../watching/follower.js'
import type { MetricsRegistry } from '../../types/plugin.js'
import { type AppMetrics, type Definition, DEFINITIONS, type HistogramDefinition, RELOAD_DURATION, RELOAD_HOLD } from './definitions.js'
import { endpointLabel } from './labels.js'
import { EndpointMetrics } from './endpoint-metrics.js'
import { type LoadedKind, Counters } from './counters.js'

const NAMES = [...DEFINITIONS, RELOAD_DURATION, RELOAD_HOLD].map(({ name }) => name)

/** The key of what the metrics of a registry share. Kept on the metrics, so that it disappears with them. */
const kShared = Symbol('fastify-endpoint.metrics')

/** What the metrics of one registry share. */
interface Shared {
  readonly apps: Set<AppMetrics>
  readonly duration: Histogram<string>
  readonly hold: Histogram<string>
}

type OwnMetric = Metric<string> & { [kShared]?: Shared }

export class Metrics {
  readonly #client: typeof PromClient
  readonly #registry: Registry

  /**
   * @throws FST_ENDPOINT_INVALID_OPTION, FST_ENDPOINT_METRICS_UNAVAILABLE, FST_ENDPOINT_METRICS_TAKEN
   */
  static async open (registry: MetricsRegistry): Promise<Metrics> {
    if (!isRegistry(registry)) throw new errors.FST_ENDPOINT_INVALID_OPTION('metrics', 'a Registry of prom-client')
    const client = await import('prom-client').catch((thrown: unknown) => {
      throw located(new errors.FST_ENDPOINT_METRICS_UNAVAILABLE(reasonOf(thrown)), {}, thrown)
    })
    const metrics = new Metrics(client, registry)
    metrics.#checkNames()
    return metrics
  }

  private constructor (client: typeof PromClient, registry: Registry) {
    this.#client = client
    this.#registry = registry
  }

  /**
   * Counts events of these listeners from now on, and exports them.
   * @returns stops that
   * @throws FST_ENDPOINT_METRICS_TAKEN
   */
  show (listeners: readonly Listener[], connections: Connections): () => void {
    const shared = this.#shared()
    const labels = new Set([...shared.apps].flatMap(({ endpoints }) => endpoints.map(({ label }) => label)))
    let closed = false
    const endpoints = listeners.map((listener) => {
      const label = unique(endpointLabel(listener.endpoint, listener.proxy !== undefined), labels)
      const counters = new Counters((what, report) => { if (!closed) observe(shared, label, what, report) })
      listener.count(counters)
      return new EndpointMetrics(label, listener, counters)
    })
    const app: AppMetrics = { endpoints, connections }
    shared.apps.add(app)
    for (const labels of histogramLabels(endpoints)) {
      shared.duration.zero(labels)
      shared.hold.zero(labels)
    }
    return () => {
      closed = true
      shared.apps.delete(app)
      for (const labels of histogramLabels(endpoints)) {
        shared.duration.remove(labels)
        shared.hold.remove(labels)
      }
      if (shared.apps.size === 0) this.#remove(shared)
    }
  }

  #shared (): Shared {
    this.#checkNames()
    for (const name of NAMES) {
      const shared = this.#get(name)?.[kShared]
      if (shared !== undefined) return shared
    }
    return this.#make()
  }

  #make (): Shared {
    const shared: Shared = { apps: new Set(), duration: this.#histogram(RELOAD_DURATION), hold: this.#histogram(RELOAD_HOLD) }
    for (const definition of DEFINITIONS) this.#collected(definition, shared.apps)
    for (const name of NAMES) Object.assign(this.#get(name) as OwnMetric, { [kShared]: shared })
    return shared
  }

  #histogram ({ name, help, buckets }: HistogramDefinition): Histogram<string> {
    return new this.#client.Histogram({ name, help, buckets, labelNames: ['endpoint', 'what'], registers: [this.#registry] })
  }

  /** A metric that stores nothing: it is computed at each scrape. */
  #collected ({ type, name, help, labels, aggregator = 'sum', read }: Definition, apps: ReadonlySet<AppMetrics>): void {
    const labelNames = ['endpoint', ...labels]
    const collect = (): void => {
      metric.reset()
      for (const app of apps) {
        for (const [{ label }, samples] of read(app)) {
          for (const [values, value] of samples) {
            add(Object.fromEntries([label, ...values].map((text, index) => [labelNames[index] as string, text])), value)
          }
        }
      }
    }
    const options = { name, help, labelNames, aggregator, collect, registers: [this.#registry] }
    const metric = type === 'counter' ? new this.#client.Counter(options) : new this.#client.Gauge(options)
    const add = (labels: Record<string, string>, value: number): void => { metric.inc(labels, value) }
  }

  #remove (shared: Shared): void {
    for (const name of NAMES) if (this.#get(name)?.[kShared] === shared) this.#registry.removeSingleMetric(name)
  }

  /** @throws FST_ENDPOINT_METRICS_TAKEN if others use one of our names */
  #checkNames (): void {
    for (const name of NAMES) {
      const metric = this.#get(name)
      if (metric !== undefined && metric[kShared] === undefined) throw new errors.FST_ENDPOINT_METRICS_TAKEN(name)
    }
  }

  #get (name: string): OwnMetric | undefined {
    return this.#registry.getSingleMetric(name)
  }
}

function isRegistry (registry: unknown): registry is Registry {
  if (typeof registry !== 'object' || registry === null) return false
  return ['registerMetric', 'getSingleMetric', 'removeSingleMetric'].every((name) => typeof Reflect.get(registry, name) === 'function')
}

function observe ({ duration, hold }: Shared, endpoint: string, what: LoadedKind, { seconds, longestHold }: LoadReport): void {
  duration.observe({ endpoint, what }, seconds)
  hold.observe({ endpoint, what }, longestHold)
}

function histogramLabels (endpoints: readonly EndpointMetrics[]): Array<{ endpoint: string, what: LoadedKind }> {
  return endpoints.flatMap(({ label, loadedKinds }) => loadedKinds.map((what) => ({ endpoint: label, what })))
}

/** Makes a label unique among `others`, and adds it to them. */
function unique (label: string, others: Set<string>): string {
  let result = label
  for (let number = 2; others.has(result); number++) result = `${label} (${number})`
  others.add(result)
  return result
}
