/**
 * Records what happens in a server while connections are closed, for a report to its parent.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { Turns, type Turn } from './turns.js'

export interface CutTurn extends Turn {
  /** When it began, after the swap. */
  readonly after: number
  /** How many were cut in it. */
  readonly cuts: number
  /** From the first of these cuts to the last. */
  readonly cutting: number
}

/** Times in milliseconds. */
export interface CutReport {
  /** When the new list took effect, by the system's monotonic clock. */
  readonly swappedAt: number
  /** From there to the last cut. */
  readonly lastCut: number
  readonly cuts: number
  /** From the swap on: the turns that took the main thread longest, the longest first. */
  readonly busiest: readonly CutTurn[]
  /** The first of these without a garbage collection. */
  readonly busiestWithoutCollection: CutTurn | undefined
  /** From the swap on: the longest turn by the clock. */
  readonly longest: CutTurn
  /** Before the swap, while the list is loaded: the turn that took the main thread longest. */
  readonly before: Turn | undefined
  /** Processor time, of all threads, of a full garbage collection afterwards; NaN without --expose-gc. */
  readonly reaping: number
}

/** Milliseconds after a swap that are part of it. */
const AFTERMATH = 500

export class CutRecord {
  readonly #cuts: number[] = []
  readonly #turns = new Turns()
  readonly #swap: Promise<void>
  #swapped = NaN
  /** The new list takes effect. */
  swap: () => void = () => {}

  constructor () {
    this.#swap = new Promise((resolve) => {
      this.swap = () => {
        this.#swapped = performance.now()
        resolve()
      }
    })
  }

  cut (): void {
    this.#cuts.push(performance.now())
  }

  /** Waits for the swap and its effects. */
  async end (): Promise<CutReport> {
    await this.#swap
    await pause(AFTERMATH)
    const all = await this.#turns.stop()
    const since = all.filter(({ start, duration }) => start + duration >= this.#swapped).map((turn) => this.#describe(turn))
    const busiest = since.toSorted((a, b) => held(b) - held(a))
    const lastCut = (this.#cuts.at(-1) ?? this.#swapped) - this.#swapped
    return {
      swappedAt: Number(process.hrtime.bigint()) / 1e6 - (performance.now() - this.#swapped),
      lastCut,
      cuts: this.#cuts.length,
      busiest: busiest.slice(0, 5),
      busiestWithoutCollection: busiest.find(({ collecting }) => collecting === 0),
      longest: since.toSorted((a, b) => b.duration - a.duration)[0] as CutTurn,
      before: all.filter(({ start, duration }) => start + duration < this.#swapped).toSorted((a, b) => held(b) - held(a))[0],
      reaping: reap()
    }
  }

  #describe (turn: Turn): CutTurn {
    const inside = this.#cuts.filter((at) => at >= turn.start && at < turn.start + turn.duration)
    return { ...turn, after: turn.start - this.#swapped, cuts: inside.length, cutting: (inside.at(-1) ?? 0) - (inside[0] ?? 0) }
  }
}

/** Uses the clock if the system does not say how long the thread ran. */
function held ({ running, duration }: Turn): number {
  return Number.isNaN(running) ? duration : running
}

function reap (): number {
  if (globalThis.gc === undefined) return NaN
  const before = process.cpuUsage()
  globalThis.gc()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
