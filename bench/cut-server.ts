/**
 * The server whose connections are cut, as a process of its own:
 *
 *     node dist/bench/cut-server.js folder
 *
 * It tells its port, and after that answers `begin`, and `end` with what happened in between: a swap, and
 * half a second after it. `reload` reads the list at once.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { Turns, type Turn } from './turns.js'

export interface CutTurn extends Turn {
  /** When it began, after the swap. */
  readonly after: number
  /** How many were cut in it. */
  readonly cuts: number
  /** From the first of these cuts to the last. */
  readonly cutting: number
}

/** What happened between `begin` and `end`; times in milliseconds. */
export interface CutReport {
  /** When the set was put in force, by the system's monotonic clock. */
  readonly swappedAt: number
  /** From there to the last cut. */
  readonly lastCut: number
  readonly cuts: number
  /** From the swap on: the turns that took the main thread longest, the longest first. */
  readonly busiest: readonly CutTurn[]
  /** From the swap on: the turn that took longest by the clock. */
  readonly longest: CutTurn
  /** Of those before the swap, in which the list is read, the one that took the main thread longest. */
  readonly before: Turn | undefined
}

const [, , folder = ''] = process.argv
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const app = Fastify({
  serverFactory,
  // Nobody may go but by a swap.
  keepAliveTimeout: 600_000,
  logger: { level: 'warn', file: join(folder, 'log') }
})
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`,
  maxConnections: 20_000
})
app.get('/', async () => 'served')
await app.listen()

export type CutCommand = 'begin' | 'end' | 'reload'

let swapped = NaN
let swap: Promise<void> | undefined
let cuts: number[] = []
subscribe('fastify-endpoint:connection:cut', () => { cuts.push(performance.now()) })

let turns: Turns | undefined

function begin (): void {
  cuts = []
  swap = new Promise((resolve) => {
    subscribe('fastify-endpoint:revocation:swapped', function note () {
      unsubscribe('fastify-endpoint:revocation:swapped', note)
      swapped = performance.now()
      resolve()
    })
  })
  turns = new Turns()
}

async function end (): Promise<CutReport> {
  await swap
  await pause(500)
  const all = await turns?.stop() ?? []
  const describe = (turn: Turn): CutTurn => {
    const inside = cuts.filter((at) => at >= turn.start && at < turn.start + turn.duration)
    return { ...turn, after: turn.start - swapped, cuts: inside.length, cutting: (inside.at(-1) ?? 0) - (inside[0] ?? 0) }
  }
  // Where the system does not say how long the thread ran, the clock has to do.
  const held = ({ running, duration }: Turn): number => Number.isNaN(running) ? duration : running
  const since = all.filter(({ start, duration }) => start + duration >= swapped).map(describe)
  return {
    swappedAt: Number(process.hrtime.bigint()) / 1e6 - (performance.now() - swapped),
    lastCut: (cuts.at(-1) ?? swapped) - swapped,
    cuts: cuts.length,
    busiest: since.toSorted((a, b) => held(b) - held(a)).slice(0, 5),
    longest: since.toSorted((a, b) => b.duration - a.duration)[0] as CutTurn,
    before: all.filter(({ start, duration }) => start + duration < swapped).toSorted((a, b) => held(b) - held(a))[0]
  }
}

async function obey (command: CutCommand): Promise<object> {
  if (command === 'end') return await end()
  if (command === 'reload') await app.endpoint.reload()
  else begin()
  return {}
}

process.on('message', (command: CutCommand) => { obey(command).then((answer) => process.send?.(answer)) })
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port })
