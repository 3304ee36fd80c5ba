/**
 * One timer for the nearest deadline of all admissions of an endpoint.
 */

/**
 * Milliseconds that are waited at the most before the clock is looked at again. So a connection ends within
 * a second of its certificate also when the clock was set, and the wait stays far below 2^31 ms (24.8
 * days), beyond which setTimeout fires at once.
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

  /** Makes sure that `onDue` is called when this deadline has passed. */
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
    // A deadline is the last moment at which an admission holds.
    const wait = Math.max(this.#nearest - this.#now() + 1, 0)
    this.#timer = setTimeout(() => this.#look(), Math.min(wait, LONGEST_WAIT)).unref()
  }

  #look (): void {
    if (this.#now() <= this.#nearest) return this.#schedule()
    this.#nearest = Infinity
    this.#onDue()
  }
}
