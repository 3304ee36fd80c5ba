/**
 * Runs long work on the main thread in slices. The event loop turns in between, so other clients wait for one slice at
 * most. It also runs asynchronous work for many items, a few at a time.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'

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

  /** @param growth whether slices become longer while the turns in between are long: for work that must end in time */
  constructor (growth: 'steady' | 'growing' = 'steady') {
    this.#longest = growth === 'growing' ? LONGEST : LOOKING
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
    await nextTurn()
    if (this.#length === CUTTING) sortFreed()
    this.#start = performance.now()
    this.#length = Math.min(Math.max(LOOKING, (this.#start - end) * PART), this.#longest)
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
