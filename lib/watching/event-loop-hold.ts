/**
 * For how long the event loop was held, at the longest, while something went on.
 *
 * A timer ticks every millisecond, and what comes between two ticks is what was held. Node has a monitor
 * for this, but it counts from its second tick on, so that it would miss who holds the loop at once.
 */
import { performance } from 'node:perf_hooks'

/** Milliseconds. */
const TICK = 1

export class EventLoopHold {
  readonly #timer: NodeJS.Timeout
  #last = performance.now()
  #longest = 0

  /** It begins now. */
  constructor () {
    this.#timer = setInterval(() => { this.#tick() }, TICK).unref()
  }

  /**
   * It ends now.
   * @returns milliseconds
   */
  end (): number {
    clearInterval(this.#timer)
    this.#tick()
    return this.#longest
  }

  #tick (): void {
    const now = performance.now()
    this.#longest = Math.max(this.#longest, now - this.#last - TICK)
    this.#last = now
  }
}
