/**
 * Polls at an interval, early on a hint, and with exponential backoff while the source is unreachable.
 *
 * A fleet may start at the same moment or get the same hint, so what is not urgent has jitter.
 */
import { performance } from 'node:perf_hooks'
import { backoff, jittered } from '../../../watching/backoff.js'

/** Milliseconds before an unreachable source is polled again; doubled each time, up to the interval. */
export const FIRST_RETRY = 100

export class PollSchedule {
  readonly #interval: number
  readonly #look: (isHinted: boolean) => Promise<boolean>
  #timer: NodeJS.Timeout | undefined
  #isLooking = false
  /** When to poll because of a hint, by `performance.now()`. */
  #hinted = Infinity
  #isClosed = false
  #failures = 0
  /** When the next poll may begin: endless hints may use at most half of the time. */
  #notBefore = 0

  /**
   * @param interval milliseconds between two polls, on average
   * @param look takes whether it comes early; returns whether it failed; must not reject
   */
  constructor (interval: number, look: (isHinted: boolean) => Promise<boolean>) {
    this.#interval = interval
    this.#look = look
    this.#schedule()
  }

  /** Polls early: there may be a change. @param delay milliseconds until then, at least (0) */
  soon (delay = 0): void {
    this.#hinted = Math.min(this.#hinted, performance.now() + delay)
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
    return this.#hinted === Infinity
      ? jittered(this.#interval, 0.25)
      : Math.max(Math.max(this.#notBefore, this.#hinted) - performance.now(), 0)
  }

  async #run (): Promise<void> {
    this.#isLooking = true
    const isHinted = this.#hinted !== Infinity
    this.#hinted = Infinity
    const began = performance.now()
    this.#failures = await this.#look(isHinted) ? this.#failures + 1 : 0
    const ended = performance.now()
    this.#notBefore = ended + (ended - began)
    this.#isLooking = false
    this.#schedule()
  }
}
