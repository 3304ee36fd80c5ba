/**
 * Compares two servers: both run, and rounds of load alternate between them (A B, B A, …), so that other work of the
 * machine affects both.
 */
import { Connections, KeptAlive, negotiated, type Load, type Target } from './load.js'
import { NewSessions, Sessions } from './load-http2.js'
import { ServerProcess, type EndpointType, type Side } from './server-process.js'
import type { SecureContext } from 'node:tls'

export interface Comparison {
  readonly name: string
  readonly type: EndpointType
  readonly context: SecureContext | undefined
  readonly load: 'requests' | 'connections'
  /** What is different in our server. */
  readonly variant?: 'without-key-log'
  /** Whether the PROXY header is in the packet of the request. */
  readonly isTogether?: boolean
}

/** What a proxy would send to our server; the other one reads no header. */
export const PROXY_HEADER = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c6336407dc0401bb', 'hex')

export interface Effort {
  /** Rounds of each server that count. */
  readonly rounds: number
  /** Milliseconds of load before those, for each process, in which it compiles and optimises its code. */
  readonly warmUp: number
  readonly milliseconds: number
  /** How many connections there are at a time. */
  readonly connections: number
  /** Pairs of new processes that share the rounds: two processes of one program are never equally fast. */
  readonly pairs: number
  readonly pinned: boolean
}

/** The result of one round. */
export interface Round {
  /** Responses per second of the server's processor time. */
  readonly perProcessorSecond: number
  /** Responses per second by the clock. */
  readonly perSecond: number
}

/** Rounds of both, in pairs: those of the same index ran one after the other. */
export type Rounds = Record<Side, Round[]>

export async function compare (comparison: Comparison, folder: string, effort: Effort): Promise<Rounds> {
  const rounds: Rounds = { ours: [], bare: [] }
  for (let pair = 0; pair < effort.pairs; pair++) {
    const done = Math.floor(effort.rounds * pair / effort.pairs)
    const count = Math.floor(effort.rounds * (pair + 1) / effort.pairs) - done
    await runPair(comparison, folder, effort, count, rounds)
  }
  return rounds
}

async function runPair ({ type, context, load, variant, isTogether = false }: Comparison, folder: string, effort: Effort, count: number, rounds: Rounds): Promise<void> {
  const servers: ServerProcess[] = []
  const loads: Load[] = []
  try {
    const runs = new Map<Side, () => Promise<Round>>()
    const agreed: string[] = []
    for (const side of ['ours', 'bare'] as const) {
      const server = await ServerProcess.start(side, type, folder, effort.pinned, variant === undefined ? [] : [variant])
      servers.push(server)
      const target: Target = { port: server.port, context, ...(type === 'haproxy' && side === 'ours' ? { header: PROXY_HEADER, isTogether } : {}) }
      agreed.push(type === 'h2' ? '' : await negotiated(target))
      const clients = await clientsOf(type, load, target, effort.connections)
      loads.push(clients)
      runs.set(side, () => measure(server, clients, effort.milliseconds))
    }
    if (agreed[0] !== agreed[1]) throw new Error(`the servers differ in more than their speed:\n${agreed.join('\n')}`)
    for (const clients of loads) await clients.run(effort.warmUp)
    for (let round = 0; round < count; round++) {
      for (const side of round % 2 === 0 ? ['ours', 'bare'] as const : ['bare', 'ours'] as const) {
        rounds[side].push(await (runs.get(side) as () => Promise<Round>)())
      }
    }
  } finally {
    for (const clients of loads) clients.close()
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** The clients of a load. */
export async function clientsOf (type: EndpointType, load: Comparison['load'], target: Target, count: number): Promise<Load> {
  if (type === 'h2') return load === 'requests' ? await Sessions.open(target, count) : new NewSessions(target, count)
  return load === 'requests' ? await KeptAlive.open(target, count) : new Connections(target, count)
}

async function measure (server: ServerProcess, load: Load, milliseconds: number): Promise<Round> {
  const start = performance.now()
  const before = await server.cpu()
  const count = await load.run(milliseconds)
  const cpu = await server.cpu() - before
  return { perProcessorSecond: count / cpu * 1e6, perSecond: count / (performance.now() - start) * 1e3 }
}
