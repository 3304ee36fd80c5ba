/**
 * Warns once, in time, of certificates and CRLs that expire.
 */

import type { ReportLog } from './problem-report.js'

/** Something that expires. Times are milliseconds since 1970. */
export interface Expiring {
  /** Two items are the same if their ids are equal. */
  readonly id: string
  /** The file that holds it. */
  readonly file: string
  readonly begins: number
  readonly ends: number
  /** The messages before the expiry, and at it. */
  readonly soon: string
  readonly over: string
  /** The fields of the log line. */
  readonly details: object
}

/** Something to warn of, and whether it expires soon or has expired. */
export interface Due<E extends Expiring = Expiring> {
  readonly expiring: E
  readonly stage: 'soon' | 'over'
}

interface ExpiryWarningsOptions {
  /** The part of its lifetime that is left at the warning. */
  readonly lastPart: number
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<ReportLog, 'warn' | 'error'> | undefined
}

const DAY = 24 * 60 * 60 * 1000
/** For a lifetime longer than this, the warning comes at least a day before the expiry. */
const SHORT_LIFE = 2 * DAY
/**
 * Milliseconds after which the clock is checked again in any case: somebody may set it, and a timer of more than 24.8
 * days would fire at once.
 */
const LONGEST_WAIT = 60 * 60 * 1000

export class ExpiryWarnings<E extends Expiring = Expiring> {
  readonly #options: ExpiryWarningsOptions
  #watched: readonly E[] = []
  #reported: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined

  constructor (options: ExpiryWarningsOptions) {
    this.#options = options
  }

  /** Watches these items from now on, and no others. Warns of each item only once. */
  watch (expiring: readonly E[]): void {
    this.#watched = expiring
    this.#look()
  }

  /** All watched items. */
  get watched (): readonly E[] {
    return this.#watched
  }

  /** The items to warn of at this moment. */
  get due (): Array<Due<E>> {
    const now = this.#options.now()
    return this.#watched.flatMap((expiring) => {
      const stage = stageOf(expiring, this.#options.lastPart, now)
      return stage === undefined ? [] : [{ expiring, stage }]
    })
  }

  close (): void {
    clearTimeout(this.#timer)
  }

  #look (): void {
    clearTimeout(this.#timer)
    const { now, log } = this.#options
    const reported = new Set<string>()
    let next = Infinity
    for (const expiring of this.#watched) {
      const { id, ends, details } = expiring
      const stage = stageOf(expiring, this.#options.lastPart, now())
      if (stage !== 'over') next = Math.min(next, stage === 'soon' ? ends : ends - leadOf(expiring, this.#options.lastPart))
      if (stage === undefined) continue
      reported.add(`${stage} ${id}`)
      if (!this.#reported.has(`${stage} ${id}`)) log?.[stage === 'over' ? 'error' : 'warn'](details, expiring[stage])
    }
    this.#reported = reported
    if (next < Infinity) this.#timer = setTimeout(() => { this.#look() }, Math.min(Math.max(next - now() + 1, 0), LONGEST_WAIT)).unref()
  }
}

/** Whether something expires soon or has expired, by `lastPart`. */
export function stageOf (expiring: Pick<Expiring, 'begins' | 'ends'>, lastPart: number, now: number): Due['stage'] | undefined {
  if (now > expiring.ends) return 'over'
  return now > expiring.ends - leadOf(expiring, lastPart) ? 'soon' : undefined
}

/** How long before its expiry something is warned of. */
function leadOf ({ begins, ends }: Pick<Expiring, 'begins' | 'ends'>, lastPart: number): number {
  const part = (ends - begins) * lastPart
  return ends - begins < SHORT_LIFE ? part : Math.max(part, DAY)
}
