/**
 * What happens in a server between two moments in which connections are cut, for a report to its parent.
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
  /** When it was put in force that they go, by the system's monotonic clock. */
  readonly swappedAt: number
  /** From there to the last cut. */
  readonly lastCut: number
  readonly cuts: number
  /** From the swap on: the turns that took the main thread longest, the longest first. */
  readonly busiest: readonly CutTurn[]
  /** Of these the first in which no garbage was collected. */
  readonly busiestWithoutCollection: CutTurn | undefined
  /** From the swap on: the turn that took longest by the clock. */
  readonly longest: CutTurn
  /** Of those before the swap, in which the list is read, the one that took the main thread longest. */
  readonly before: Turn | undefined
  /** Processor time, of all threads, of a collection of all garbage that was asked for afterwards; NaN without --expose-gc. */
  readonly reaping: number
}

/** Milliseconds after a swap that are part of it. */
const AFTERMATH = 500

export class CutRecord {
  readonly #cuts: number[] = []
  readonly #turns = new Turns()
  readonly #swap: Promise<void>
  #swapped = NaN
  /** It is put in force that they go. */
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

  /** Waits for the swap, and for what comes after it. */
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

/** Where the system does not say how long the thread ran, the clock has to do. */
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
