/**
 * How long each turn of this process's event loop takes, and why.
 *
 * A turn is the time from one setImmediate to the next: the longest that a client waits. On a busy machine a turn also grows
 * while the kernel runs something else. Linux counts for each thread how long it ran, and how long it was ready and had to
 * wait, so the two can be distinguished.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { performance, PerformanceObserver } from 'node:perf_hooks'

/** All times in milliseconds, of performance.now(). */
export interface Turn {
  readonly start: number
  readonly duration: number
  /** How long the main thread ran; NaN if the system does not say. */
  readonly running: number
  /** How long it was ready to run and had to wait; NaN likewise. */
  readonly waiting: number
  /** How long garbage was collected, by the clock, waiting included. */
  readonly collecting: number
}

/** Shorter turns are not recorded, in milliseconds. */
const SHORTEST_TURN = 0.5

export class Turns {
  readonly #turns: Array<Omit<Turn, 'collecting'>> = []
  readonly #collections: Array<{ start: number, end: number }> = []
  readonly #observer: PerformanceObserver
  readonly #statistics = openStatistics()
  readonly #buffer = Buffer.alloc(128)
  #next: NodeJS.Immediate
  #start = performance.now()
  #scheduled: readonly [number, number]

  constructor () {
    this.#observer = new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) this.#collections.push({ start: startTime, end: startTime + duration })
    })
    this.#observer.observe({ entryTypes: ['gc'] })
    this.#scheduled = this.#readScheduled()
    this.#next = setImmediate(this.#turn)
  }

  /** Stops, and returns the turns. */
  async stop (): Promise<Turn[]> {
    clearImmediate(this.#next)
    // The observer is notified of a collection one turn later.
    await new Promise((resolve) => setTimeout(resolve, 1))
    this.#observer.disconnect()
    if (this.#statistics !== undefined) closeSync(this.#statistics)
    return this.#turns.map((turn) => ({ ...turn, collecting: this.#collectingIn(turn.start, turn.start + turn.duration) }))
  }

  readonly #turn = (): void => {
    const now = performance.now()
    const [running, waiting] = this.#readScheduled()
    // The others are many; if they were recorded, they would be the garbage that is collected.
    if (now - this.#start >= SHORTEST_TURN) {
      this.#turns.push({ start: this.#start, duration: now - this.#start, running: running - this.#scheduled[0], waiting: waiting - this.#scheduled[1] })
    }
    this.#start = now
    this.#scheduled = [running, waiting]
    this.#next = setImmediate(this.#turn)
  }

  /** How long the main thread has run and waited, in total. */
  #readScheduled (): readonly [number, number] {
    if (this.#statistics === undefined) return [NaN, NaN]
    // A call for its processor time makes the kernel update the count; otherwise it is as old as the last tick.
    process.cpuUsage()
    const length = readSync(this.#statistics, this.#buffer, 0, this.#buffer.length, 0)
    const [running, waiting] = this.#buffer.toString('latin1', 0, length).split(' ')
    return [Number(running) / 1e6, Number(waiting) / 1e6]
  }

  #collectingIn (from: number, to: number): number {
    return this.#collections.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end, to) - Math.max(start, from)), 0)
  }
}

function openStatistics (): number | undefined {
  try {
    return openSync('/proc/self/schedstat', 'r')
  } catch {
    return undefined
  }
}
