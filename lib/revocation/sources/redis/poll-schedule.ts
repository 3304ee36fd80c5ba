/**
 * When a source is looked at: now and then, sooner when there is a hint, and more and more seldom while it
 * cannot be looked at.
 *
 * A fleet has started at the same moment, or hears the same hint: so what is not urgent has jitter.
 */
import { performance } from 'node:perf_hooks'
import { backoff, jittered } from '../../../watching/backoff.js'

/** Milliseconds before a source that is not there is looked at again; twice that before each further time, up to the interval. */
const FIRST_RETRY = 100

export class PollSchedule {
  readonly #interval: number
  readonly #look: () => Promise<boolean>
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isHinted = false
  #isClosed = false
  #failures = 0
  /** When the next look may begin: whoever only hints, over and over, gets no more than half of the time. */
  #notBefore = 0

  /**
   * @param interval milliseconds from one look to the next, on the average
   * @param look gives whether it failed; must not reject
   */
  constructor (interval: number, look: () => Promise<boolean>) {
    this.#interval = interval
    this.#look = look
    this.#schedule()
  }

  /** There may be something to see. */
  soon (): void {
    this.#isHinted = true
    if (!this.#isLooking && this.#failures === 0) this.#schedule()
  }

  close (): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #schedule (): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    // Nobody's process lives on for this.
    this.#timer = setTimeout(() => { this.#run().catch(() => {}) }, this.#wait()).unref()
  }

  #wait (): number {
    if (this.#failures > 0) return backoff(this.#failures, FIRST_RETRY, this.#interval, 0.5)
    return this.#isHinted ? Math.max(this.#notBefore - performance.now(), 0) : jittered(this.#interval, 0.25)
  }

  async #run (): Promise<void> {
    this.#isLooking = true
    this.#isHinted = false
    const began = performance.now()
    this.#failures = await this.#look() ? this.#failures + 1 : 0
    const ended = performance.now()
    this.#notBefore = ended + (ended - began)
    this.#isLooking = false
    this.#schedule()
  }
}
