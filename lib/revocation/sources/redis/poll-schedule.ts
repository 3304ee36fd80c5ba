/**
 * Polls at an interval, early on a hint, and with exponential backoff while the source is unreachable.
 *
 * A fleet may start at the same moment or get the same hint, so what is not urgent has jitter.
 */
import { performance } from 'node:perf_hooks'
import { backoff, jittered } from '../../../watching/backoff.js'

/** Milliseconds before an unreachable source is polled again; doubled each time, up to the interval. */
const FIRST_RETRY = 100

export class PollSchedule {
  readonly #interval: number
  readonly #look: () => Promise<boolean>
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  #isHinted = false
  #isClosed = false
  #failures = 0
  /** When the next poll may begin: endless hints may use at most half of the time. */
  #notBefore = 0

  /**
   * @param interval milliseconds between two polls, on average
   * @param look returns whether it failed; must not reject
   */
  constructor (interval: number, look: () => Promise<boolean>) {
    this.#interval = interval
    this.#look = look
    this.#schedule()
  }

  /** Polls early: there may be a change. */
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
    // It must not keep the process alive.
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
