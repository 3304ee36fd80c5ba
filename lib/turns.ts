/**
 * Long work on the main thread in slices: the event loop turns in between, so other clients wait for one slice at most.
 * And concurrent work for many things, a few at a time.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Milliseconds that a slice takes. The more there are, the longer the last of many waits for its turn where each turn is long. */
const LOOKING = 1
/**
 * Milliseconds that one takes in which connections are cut: Node takes several times as much to tear them
 * down, and to sort what they leave (`npm run bench:cut`).
 */
const CUTTING = 0.25

/** Bytes that are more than the C library keeps ready by size (glibc: 1,032), and fewer than it asks the system for. */
const LARGE = 4096

export class Slices {
  #start = performance.now()
  #length = LOOKING

  /** Whether it is time for the next one. */
  get over (): boolean {
    return performance.now() - this.#start >= this.#length
  }

  /** Something was cut in this one. */
  cut (): void {
    this.#length = CUTTING
  }

  async next (): Promise<void> {
    await nextTurn()
    if (this.#length === CUTTING) sortFreed()
    this.#start = performance.now()
    this.#length = LOOKING
  }
}

/**
 * Has the C library sort what the last slice has freed. The TLS state of a connection is many pieces of
 * memory, and glibc sorts what is freed when something is wanted that is too large for its quick lists,
 * all of it at once: with some thousand connections that took 10 to 20 ms of the turn that came to ask.
 * Asked in each slice, it takes more in all, and no turn much.
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
