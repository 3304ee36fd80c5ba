/**
 * Runs long work on the main thread in slices. The event loop turns in between, so other clients wait for one slice at
 * most. It also runs asynchronous work for many items, a few at a time.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as later } from 'node:timers/promises'

/**
 * Milliseconds that a slice takes. With shorter slices there are more of them, and the last connection waits longer if
 * the turns in between are long.
 */
const LOOKING = 1
/**
 * Milliseconds that a slice of growing slices takes at most, and its part of the turn before. A list of 100,000 rules takes
 * more than 100 short slices, so in a flood of handshakes, where turns are long, it would take effect after seconds. With a
 * part of 1, two lists that are read at the same time would make each other's slices longer.
 */
const LONGEST = 8
const PART = 2 / 3
/**
 * Milliseconds between two slices of work that can wait, and how many times as long as the last slice came late. A machine
 * on which many nodes do the same work at the same time is busy then, and their clients must not wait.
 */
const REST = 2
const LATE = 8
const LONGEST_REST = 20
/**
 * Milliseconds that a slice takes in which connections are cut. Node then takes several times as long to
 * close them and to sort the memory that they free (`npm run bench:cut`).
 */
const CUTTING = 0.25

/** Bytes: more than the C library takes from its lists of small pieces (glibc: 1,032), and fewer than it requests from the system. */
const LARGE = 4096

export class Slices {
  #start = performance.now()
  #length = LOOKING
  readonly #longest: number
  /** Milliseconds until the next slice; undefined if it comes in the next turn. */
  #rest: number | undefined

  /**
   * @param kind `growing` slices become longer while the turns in between are long: for work that must end in time. `resting` ones
   *   leave the processor to others in between, and the longer the busier it is: for work that can wait a second
   */
  constructor (kind: 'steady' | 'growing' | 'resting' = 'steady') {
    this.#longest = kind === 'growing' ? LONGEST : LOOKING
    this.#rest = kind === 'resting' ? REST : undefined
  }

  /** Whether it is time for the next one. */
  get over (): boolean {
    return performance.now() - this.#start >= this.#length
  }

  /** A connection was cut in this slice. */
  cut (): void {
    this.#length = CUTTING
  }

  async next (): Promise<void> {
    const end = performance.now()
    if (this.#rest !== undefined) return await this.#restFrom(end)
    await nextTurn()
    if (this.#length === CUTTING) sortFreed()
    this.#start = performance.now()
    this.#length = Math.min(Math.max(LOOKING, (this.#start - end) * PART), this.#longest)
  }

  async #restFrom (end: number): Promise<void> {
    const rest = this.#rest as number
    await later(rest)
    this.#start = performance.now()
    this.#rest = Math.min(Math.max(REST, (this.#start - end - rest) * LATE), LONGEST_REST)
  }
}

/**
 * Makes the C library sort the memory that the last slice has freed. The TLS state of a connection
 * consists of many pieces of memory. glibc sorts freed pieces only when a piece is requested that is
 * too large for its lists of small ones, and then all of them at once. With some thousand connections,
 * that took 10 to 20 ms of the turn that happened to request it. A request in each slice takes more
 * time in total, but little of any single turn.
 */
function sortFreed (): void {
  Buffer.allocUnsafeSlow(LARGE)
}

/** The results of `work` for all items, in their order, with at most `limit` at a time. Rejects with the first rejection. */
export async function mapConcurrently<T, R> (items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (const [index, item] of queue) results[index] = await work(item)
  })
  await Promise.all(workers)
  return results
}
