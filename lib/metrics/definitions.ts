/**
 * The metrics: what each is called, and where it is read when Prometheus asks. Names and units follow
 * Prometheus' own conventions; docs/operating.md has a table of them.
 */
import type { Aggregator } from 'prom-client'
import type { Connections } from '../engine/connections.js'
import type { EndpointMetrics } from './endpoint-metrics.js'

/** One app with its endpoints. */
export interface AppSources {
  readonly sources: readonly EndpointMetrics[]
  readonly connections: Connections
}

/** A value, with the labels in the order of the definition, behind `endpoint`. */
export type Sample = readonly [labels: readonly string[], value: number]

export interface Definition {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  /** Beside `endpoint`. */
  readonly labels: readonly string[]
  /** How prom-client's AggregatorRegistry makes one of those of several processes (`sum`). */
  readonly aggregator?: Aggregator
  read (app: AppSources): Iterable<readonly [source: EndpointMetrics, samples: Iterable<Sample>]>
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
    help: 'TLS handshakes by version and result: admitted, refused by the gate, failed, or left by the client; the version of the last two is unknown',
    labels: ['version', 'result'],
    read: each(({ counters }) => counters.handshakes)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_refusals_total',
    help: 'Clients that were refused in their handshake, by the name of the alert that says why, and whether it could be sent',
    labels: ['reason', 'alerted'],
    read: each(({ counters }) => counters.refusals)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_proxy_refusals_total',
    help: 'Connections that were closed for their PROXY header, or because their address is not trusted to send one',
    labels: ['reason'],
    read: each(({ counters }) => counters.proxyRefusals)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_connections_turned_away_total',
    help: 'Connections that were closed because there is no room for all: those that came beyond maxConnections or for which the process has no file descriptors, and handshakes under way that made room',
    labels: ['bound'],
    read: each(({ counters }) => counters.turnedAwayBy)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_stalled_ended_total',
    help: 'Connections that were ended since their peer took nothing for too long, was gone or held too much memory, and streams of HTTP/2 that were reset since their client gave them no room',
    labels: ['reason'],
    read: each(({ counters }) => counters.stalls)
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_connections_cut_total',
    help: 'Open connections that were cut because their client is not admitted any more, by reason',
    labels: ['reason'],
    read: each(({ counters }) => counters.cuts)
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_connections',
    help: 'Connections by state: in their handshake, or established',
    labels: ['state'],
    * read ({ sources, connections }) {
      const counts = connections.byOrigin
      for (const source of sources) {
        const { all, established } = counts.get(source.listener) ?? { all: 0, established: 0 }
        yield [source, [[['handshake'], all - established], [['established'], established]]]
      }
    }
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_sent_chains_budget_used_ratio',
    help: 'How much of the budget of the process for looking at intermediates that clients send is used, from 0 to 1; it is not refilled',
    labels: [],
    aggregator: 'max',
    read: each(({ listener: { tls } }) => tls?.chainBudget === undefined ? [] : [[[], Math.min(tls.chainBudget.lost / tls.chainBudget.most, 1)]])
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_revocation_entries',
    help: 'Entries of the set of revoked certificates in force, those of CRLs included',
    labels: [],
    aggregator: 'max',
    read: each(({ listener: { tls } }) => tls?.revocations === undefined ? [] : [[[], tls.revocations.set.size]])
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_revocation_generation',
    help: 'Number of the set of revoked certificates in force, counted from 1 since the start',
    labels: [],
    aggregator: 'min',
    read: each(({ listener: { tls } }) => tls?.revocations === undefined ? [] : [[[], tls.revocations.generation]])
  },
  {
    type: 'counter',
    name: 'fastify_endpoint_reload_failures_total',
    help: 'Loads after the first that found a problem, tries again included, by what was loaded',
    labels: ['what'],
    read: each(({ counters }) => counters.failures)
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_problems',
    help: 'Files and lines that cannot be taken as they stand, by what is loaded; what was good last is in force in their place',
    labels: ['what'],
    aggregator: 'max',
    read: each(({ listener: { tls }, followed }) => followed.map((what) => [[what], (what === 'revocations' ? tls?.revocations?.watcher.standing : tls?.credentialProblems)?.length ?? 0]))
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_last_good_load_timestamp_seconds',
    help: 'When files were last loaded without a problem; they are loaded when they change',
    labels: ['what'],
    aggregator: 'min',
    read: each(({ counters }) => [...counters.lastGood].map(([what, time]) => [[what], time / 1000]))
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_crl_next_update_timestamp_seconds',
    help: 'nextUpdate of the CRLs in force, by file and issuer; of many, those that end first',
    labels: ['file', 'issuer'],
    aggregator: 'min',
    read: each(({ listener: { tls }, crls }) => inSeconds(crls.of(tls?.revocations?.watcher.expiring.watched ?? [])))
  },
  {
    type: 'gauge',
    name: 'fastify_endpoint_certificate_not_after_timestamp_seconds',
    help: 'notAfter of the endpoint\'s own certificates and of its authorities, by argument and file; of many, those that end first',
    labels: ['argument', 'file'],
    aggregator: 'min',
    read: each(({ listener: { tls }, certificates }) => inSeconds(certificates.of(tls?.certificates.watched ?? [])))
  }
]

export const RELOAD_DURATION: HistogramDefinition = {
  name: 'fastify_endpoint_reload_duration_seconds',
  help: 'How long loads after the first took, by what was loaded',
  buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
}

export const RELOAD_HOLD: HistogramDefinition = {
  name: 'fastify_endpoint_reload_event_loop_hold_seconds',
  help: 'The longest time for which the event loop was held during a load, by this or by anything else, by what was loaded',
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
}

/** Reads one source after another. */
function each (read: (source: EndpointMetrics) => Iterable<Sample>): Definition['read'] {
  return ({ sources }) => sources.map((source) => [source, read(source)] as const)
}

function inSeconds (ends: ReadonlyArray<[labels: string[], ends: number]>): Sample[] {
  return ends.map(([labels, time]) => [labels, time / 1000])
}
