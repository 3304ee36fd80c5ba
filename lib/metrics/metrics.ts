/**
 * The option `metrics`: shows the endpoints of an app on a registry of prom-client.
 *
 * Several apps may have one registry, one after another or at the same time: the metrics are made with the first
 * of them, and go with the last. prom-client is imported here and nowhere else, and only if the option is there.
 */
import type * as PromClient from 'prom-client'
import type { Histogram, Metric, Registry } from 'prom-client'
import type { Connections } from '../engine/connections.js'
import { errors, located, reasonOf } from '../errors.js'
import type { Listener } from '../layers/listener.js'
import type { LoadReport } from '../watching/follower.js'
import type { MetricsRegistry } from '../../types/plugin.js'
import { type AppSources, type Definition, DEFINITIONS, type HistogramDefinition, RELOAD_DURATION, RELOAD_HOLD } from './definitions.js'
import { endpointLabel } from './labels.js'
import { EndpointMetrics } from './endpoint-metrics.js'
import { type Followed, Counters } from './counters.js'

const NAMES = [...DEFINITIONS, RELOAD_DURATION, RELOAD_HOLD].map(({ name }) => name)

/** Where the metrics of a registry carry what they have in common, so that it is gone when they are. */
const kShared = Symbol('fastify-endpoint.metrics')

/** Of one registry. */
interface Shared {
  readonly apps: Set<AppSources>
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
    metrics.#refuseOthers()
    return metrics
  }

  private constructor (client: typeof PromClient, registry: Registry) {
    this.#client = client
    this.#registry = registry
  }

  /**
   * Counts what happens at these listeners from now on, and shows it.
   * @returns ends that
   * @throws FST_ENDPOINT_METRICS_TAKEN
   */
  show (listeners: readonly Listener[], connections: Connections): () => void {
    const shared = this.#shared()
    const taken = new Set([...shared.apps].flatMap(({ sources }) => sources.map(({ label }) => label)))
    let closed = false
    const sources = listeners.map((listener) => {
      const label = unique(endpointLabel(listener.endpoint, listener.proxy !== undefined), taken)
      const counters = new Counters((what, report) => { if (!closed) observe(shared, label, what, report) })
      listener.count(counters)
      return new EndpointMetrics(label, listener, counters)
    })
    const app: AppSources = { sources, connections }
    shared.apps.add(app)
    for (const labels of histogramLabels(sources)) {
      shared.duration.zero(labels)
      shared.hold.zero(labels)
    }
    return () => {
      closed = true
      shared.apps.delete(app)
      for (const labels of histogramLabels(sources)) {
        shared.duration.remove(labels)
        shared.hold.remove(labels)
      }
      if (shared.apps.size === 0) this.#remove(shared)
    }
  }

  #shared (): Shared {
    this.#refuseOthers()
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

  /** A metric that holds nothing itself: it is read anew each time. */
  #collected ({ type, name, help, labels, aggregator = 'sum', read }: Definition, apps: ReadonlySet<AppSources>): void {
    const labelNames = ['endpoint', ...labels]
    const collect = (): void => {
      metric.reset()
      for (const app of apps) {
        for (const [source, samples] of read(app)) {
          for (const [values, value] of samples) add(Object.fromEntries([source.label, ...values].map((text, index) => [labelNames[index] as string, text])), value)
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

  #refuseOthers (): void {
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

function observe ({ duration, hold }: Shared, endpoint: string, what: Followed, { seconds, held }: LoadReport): void {
  duration.observe({ endpoint, what }, seconds)
  hold.observe({ endpoint, what }, held)
}

function histogramLabels (sources: readonly EndpointMetrics[]): Array<{ endpoint: string, what: Followed }> {
  return sources.flatMap(({ label, followed }) => followed.map((what) => ({ endpoint: label, what })))
}

/** A label that none of the others is; it is then one of them. */
function unique (label: string, taken: Set<string>): string {
  let found = label
  for (let number = 2; taken.has(found); number++) found = `${label} (${number})`
  taken.add(found)
  return found
}
