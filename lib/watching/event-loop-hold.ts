/**
 * Measures the longest time for which the event loop was blocked during some work.
 *
 * A timer ticks every millisecond, and a longer gap between two ticks is a blocked loop. Node's own monitor starts
 * counting at its second tick, so it would miss work that blocks at once.
 */
import { performance } from 'node:perf_hooks'

/** Milliseconds. */
const TICK = 1

export class EventLoopHold {
  readonly #timer: NodeJS.Timeout
  #last = performance.now()
  #longest = 0

  /** Starts measuring. */
  constructor () {
    this.#timer = setInterval(() => { this.#tick() }, TICK).unref()
  }

  /**
   * Stops measuring.
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
