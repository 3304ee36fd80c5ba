/**
 * One timer per endpoint, for the nearest deadline of its admissions.
 */

/**
 * The clock is checked at least this often, in milliseconds. So a connection is closed within a second of its certificate's
 * end, even if the clock was set. And setTimeout never gets more than 2^31 ms (24.8 days), at which it fires at once.
 */
const LONGEST_WAIT = 900

export class DeadlineTimer {
  readonly #now: () => number
  readonly #onDue: () => void
  #nearest = Infinity
  #timer: NodeJS.Timeout | undefined

  /**
   * @param now the clock, in milliseconds since 1970
   * @param onDue called when the nearest deadline has passed; it arms the timer again for what is left
   */
  constructor (now: () => number, onDue: () => void) {
    this.#now = now
    this.#onDue = onDue
  }

  /** Calls `onDue` once this deadline has passed. */
  arm (deadline: number): void {
    if (deadline >= this.#nearest) return
    this.#nearest = deadline
    this.#schedule()
  }

  close (): void {
    clearTimeout(this.#timer)
    this.#nearest = -Infinity
  }

  #schedule (): void {
    clearTimeout(this.#timer)
    // A deadline is the last moment of an admission, so it has passed one millisecond later.
    const wait = Math.max(this.#nearest - this.#now() + 1, 0)
    this.#timer = setTimeout(() => this.#check(), Math.min(wait, LONGEST_WAIT)).unref()
  }

  #check (): void {
    if (this.#now() <= this.#nearest) return this.#schedule()
    this.#nearest = Infinity
    this.#onDue()
  }
}
