/** What a run measures, and the ratios that tables and the chart show of it. */
import { median } from '../table.js'

/** `bare`: Fastify with Node's own server, `crl`: the same with the option `crl`. */
export type ServerName = 'ours' | 'bare' | 'crl' | 'nginx' | 'haproxy'
export const SERVERS: readonly ServerName[] = ['ours', 'bare', 'crl', 'nginx', 'haproxy']

/** `full`: a full handshake and one request; `resumed`: a resumed one and a request; `request`: on a connection that is kept. */
export type LoadName = 'full' | 'resumed' | 'request'
export const LOADS: readonly LoadName[] = ['full', 'resumed', 'request']

/** A turn of a server with many connections at a time, and one with a single connection. */
export interface Round {
  /** Microseconds of the server's processor time for a response, with many connections. */
  readonly processor: number
  /** Responses a second by the clock, with many connections. */
  readonly perSecond: number
  /** The part of the time in which the clients used or wanted their core: from 0 to 1. */
  readonly clients: number
  /** Milliseconds from connecting, or from the request, to the whole response, with a single connection. */
  readonly p50: number
  readonly p99: number
  readonly samples: number
}

export interface Measured {
  readonly server: ServerName
  /** The version of Node.js; empty for nginx and HAProxy. */
  readonly node: string
  /** Entries of the CRL; 0: no CRL. */
  readonly entries: number
  /** Until the first response: seconds by the clock, and of processor time. */
  readonly start: { readonly clock: number, readonly processor: number }
  /** Bytes of resident memory of all its processes, after all rounds. */
  readonly memory: number
  /** In the order of the run: those of the same index of two servers belong to the same round. */
  readonly rounds: Readonly<Record<LoadName, readonly Round[]>>
}

export interface Results {
  /** What ran, in a sentence or two. */
  readonly about: string
  readonly measured: readonly Measured[]
}

/** A median of ratios, and the smallest and largest ratio. */
export interface Ratio {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The server that another one is compared with: Fastify without revocation on the same Node.js, or else on the first one. */
export function referenceOf ({ measured }: Results, { node }: Measured): Measured | undefined {
  const bare = measured.filter(({ server }) => server === 'bare')
  return bare.find((candidate) => candidate.node === node) ?? bare[0]
}

/** How a server compares with its reference, round by round: undefined without a reference. */
export function ratioOf (results: Results, one: Measured, load: LoadName, measure: 'processor' | 'p50'): Ratio | undefined {
  const reference = referenceOf(results, one)?.rounds[load]
  const ratios = one.rounds[load].flatMap((round, index) => {
    const other = reference?.[index]?.[measure]
    return other === undefined ? [] : [round[measure] / other]
  })
  if (ratios.length === 0) return undefined
  return { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/** The value that a part of all others does not exceed (nearest rank); NaN for none. */
export function percentile (values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? NaN
}

/** The configurations of one program on one Node.js, by the size of their CRL: a row of the chart. */
export interface Group {
  readonly name: string
  /** The most entries last. */
  readonly members: readonly Measured[]
}

const NAMES: Readonly<Record<ServerName, string>> = { ours: 'fastify-endpoint', bare: 'bare Fastify', crl: 'Fastify, Node’s crl', nginx: 'nginx', haproxy: 'HAProxy' }
const OPTIONS: Partial<Record<ServerName, string>> = { nginx: 'ssl_crl', haproxy: 'crl-file' }

/** What a row calls a server. */
export function nameOf ({ server, entries, node }: Measured): string {
  const option = entries === 0 ? undefined : OPTIONS[server]
  return [NAMES[server], ...(option === undefined ? [] : [option])].join(', ') + (node === '' ? '' : ` (Node ${node.split('.')[0]})`)
}

export function groupsOf ({ measured }: Results): Group[] {
  const names = [...new Set(measured.map(nameOf))]
  return names.map((name) => ({
    name,
    members: measured.filter((one) => nameOf(one) === name).toSorted((a, b) => a.entries - b.entries)
  }))
}
