/**
 * The metrics: names, help texts, and where each value comes from. Names and units follow Prometheus' conventions;
 * docs/operating.md has a table of them.
 */
import type { Aggregator } from 'prom-client'
import type { Connections } from '../engine/connections.js'
import type { EndpointMetrics } from './endpoint-metrics.js'

/** What the metrics of one app are read from. */
export interface AppMetrics {
  readonly endpoints: readonly EndpointMetrics[]
  readonly connections: Connections
}

/** Label values in the order of the definition, without `endpoint`; and the value. */
export type Sample = readonly [labels: readonly string[], value: number]

export interface Definition {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  /** In addition to `endpoint`. */
  readonly labels: readonly string[]
  /** How prom-client's AggregatorRegistry combines several processes (`sum`). */
  readonly aggregator?: Aggregator
  read (app: AppMetrics): Iterable<readonly [endpoint: EndpointMetrics, samples: Iterable<Sample>]>
}

export interface HistogramDefinition {
  readonly name: string
  readonly help: string
  readonly buckets: number[]
}

export const DEFINITIONS: readonly Definition[] = [
  {
    type: 'counter',
    name: 'fastify_endpoint_handshakes_total',
    help: 'TLS handshakes by version and result (admitted, refused, failed, left); failed and left have the version unknown',
    labels: ['version', 'result'],
    read: each(({ counters }) => counters.handshakes)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_refusals_total',
    help: 'Clients rejected in their handshake, by alert and by whether it could be sent',
    labels: ['reason', 'alerted'],
    read: each(({ counters }) => counters.refusals)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_proxy_refusals_total',
    help: 'Connections closed because of a bad PROXY header, or a peer that may not send one',
    labels: ['reason'],
    read: each(({ counters }) => counters.proxyRefusals)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_connections_turned_away_total',
    help: 'Connections closed because a limit was reached: maxConnections, file descriptors, or pending handshakes',
    labels: ['bound'],
    read: each(({ counters }) => counters.rejections)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_stalled_ended_total',
    help: 'Connections closed and HTTP/2 streams reset because the client read no data, by reason',
    labels: ['reason'],
    read: each(({ counters }) => counters.stalls)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_connections_cut_total',
    help: 'Open connections closed because their client is no longer admitted, by reason',
    labels: ['reason'],
    read: each(({ counters }) => counters.cuts)
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_connections',
    help: 'Open connections by state: handshake, or established',
    labels: ['state'],
    * read ({ endpoints, connections }) {
      const counts = connections.byOrigin
      for (const endpoint of endpoints) {
        const { all, established } = counts.get(endpoint.listener) ?? { all: 0, established: 0 }
        yield [endpoint, [[['handshake'], all - established], [['established'], established]]]
      }
    }
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_sent_chains_budget_used_ratio',
    help: 'Used part (0 to 1) of the memory budget for reading intermediates that clients send; it is never refilled',
    labels: [],
    aggregator: 'max',
    read: each(({ listener: { tls } }) => {
      const budget = tls?.chainBudget
      return budget === undefined ? [] : [[[], Math.min(budget.lost / budget.most, 1)]]
    })
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_revocation_entries',
    help: 'Entries of the revocation set in force, including those of CRLs',
    labels: [],
    aggregator: 'max',
    read: each(({ listener: { tls } }) => tls?.revocations === undefined ? [] : [[[], tls.revocations.set.size]])
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_revocation_generation',
    help: 'Number of the revocation set in force; the first since the start is 1',
    labels: [],
    aggregator: 'min',
    read: each(({ listener: { tls } }) => tls?.revocations === undefined ? [] : [[[], tls.revocations.generation]])
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_allowed_rules',
    help: 'Rules of the allowed list in force',
    labels: [],
    aggregator: 'max',
    read: each(({ listener: { tls } }) => tls?.allowed?.allowed === undefined ? [] : [[[], tls.allowed.allowed.size]])
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_reload_failures_total',
    help: 'Reloads that found a problem, retries included, by what was loaded',
    labels: ['what'],
    read: each(({ counters }) => counters.failedLoads)
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_problems',
    help: 'Files and lines that cannot be used, by what is loaded; their last good content is in force',
    labels: ['what'],
    aggregator: 'max',
    read: each(({ listener: { tls }, loadedKinds }) => {
      const problems = {
        credentials: tls?.credentialProblems,
        revocations: tls?.revocations?.watcher.openProblems,
        allowed: tls?.allowed?.watcher.openProblemsOfAllowed
      }
      return loadedKinds.map((what) => [[what], problems[what]?.length ?? 0])
    })
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_last_good_load_timestamp_seconds',
    help: 'Time of the last load without a problem; files are loaded when they change',
    labels: ['what'],
    aggregator: 'min',
    read: each(({ counters }) => [...counters.lastGoodLoads].map(([what, time]) => [[what], time / 1000]))
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_crl_next_update_timestamp_seconds',
    help: 'nextUpdate of the CRLs in force, by file and issuer; at most 50, those that expire first',
    labels: ['file', 'issuer'],
    aggregator: 'min',
    read: each(({ listener: { tls }, crls }) => inSeconds(crls.of(tls?.revocations?.watcher.expiring.watched ?? [])))
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_certificate_not_after_timestamp_seconds',
    help: 'notAfter of the server\'s own certificates and of its authorities; at most 50, those that expire first',
    labels: ['argument', 'file'],
    aggregator: 'min',
    read: each(({ listener: { tls }, certificates }) => inSeconds(certificates.of(tls?.certificates.watched ?? [])))
  }
]

export const RELOAD_DURATION: HistogramDefinition = {
  name: 'fastify_endpoint_reload_duration_seconds',
  help: 'Duration of reloads, by what was loaded',
  buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
}

export const RELOAD_HOLD: HistogramDefinition = {
  name: 'fastify_endpoint_reload_event_loop_hold_seconds',
  help: 'Longest time that anything held the event loop during a reload, by what was loaded',
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
}

/** Reads one endpoint after another. */
function each (read: (endpoint: EndpointMetrics) => Iterable<Sample>): Definition['read'] {
  return ({ endpoints }) => endpoints.map((endpoint) => [endpoint, read(endpoint)] as const)
}

function inSeconds (ends: ReadonlyArray<[labels: string[], ends: number]>): Sample[] {
  return ends.map(([labels, time]) => [labels, time / 1000])
}
