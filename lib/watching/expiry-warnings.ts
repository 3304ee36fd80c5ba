/**
 * Warning, in time and once, of what comes to its end: certificates and CRLs.
 */

import type { ReportLog } from './problem-report.js'

/** Something that expires. Times are milliseconds since 1970. */
export interface Expiring {
  /** The same for two of them exactly if they are the same. */
  readonly id: string
  /** What it stands in. */
  readonly file: string
  readonly begins: number
  readonly ends: number
  /** What is said before the end, and at it. */
  readonly soon: string
  readonly over: string
  /** What the log line shows beside it. */
  readonly details: object
}

/** Something that is to be warned of, and whether it ends soon or has ended. */
export interface Due<E extends Expiring = Expiring> {
  readonly expiring: E
  readonly stage: 'soon' | 'over'
}

interface ExpiryWarningsOptions {
  /** Of its life, the part that is left when something is warned of. */
  readonly lastPart: number
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number
  readonly log: Pick<ReportLog, 'warn' | 'error'> | undefined
}

const DAY = 24 * 60 * 60 * 1000
/** What lives for longer than this is warned of a day before its end at the latest. */
const SHORT_LIFE = 2 * DAY
/**
 * Milliseconds after which the clock is looked at again, whatever it said: it may be set, and a timer of
 * more than 24.8 days would fire at once.
 */
const LONGEST_WAIT = 60 * 60 * 1000

export class ExpiryWarnings<E extends Expiring = Expiring> {
  readonly #options: ExpiryWarningsOptions
  #watched: readonly E[] = []
  #told: ReadonlySet<string> = new Set()
  #timer: NodeJS.Timeout | undefined

  constructor (options: ExpiryWarningsOptions) {
    this.#options = options
  }

  /** Watches these from now on, and no others. What was warned of is not warned of again. */
  watch (expiring: readonly E[]): void {
    this.#watched = expiring
    this.#look()
  }

  /** What is watched. */
  get watched (): readonly E[] {
    return this.#watched
  }

  /** What is to be warned of at this moment. */
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
    const told = new Set<string>()
    let next = Infinity
    for (const expiring of this.#watched) {
      const { id, ends, details } = expiring
      const stage = stageOf(expiring, this.#options.lastPart, now())
      if (stage !== 'over') next = Math.min(next, stage === 'soon' ? ends : ends - leadOf(expiring, this.#options.lastPart))
      if (stage === undefined) continue
      told.add(`${stage} ${id}`)
      if (!this.#told.has(`${stage} ${id}`)) log?.[stage === 'over' ? 'error' : 'warn'](details, expiring[stage])
    }
    this.#told = told
    if (next < Infinity) this.#timer = setTimeout(() => { this.#look() }, Math.min(Math.max(next - now() + 1, 0), LONGEST_WAIT)).unref()
  }
}

/** Whether something is to be warned of, as `lastPart` has it. */
export function stageOf (expiring: Pick<Expiring, 'begins' | 'ends'>, lastPart: number, now: number): Due['stage'] | undefined {
  if (now > expiring.ends) return 'over'
  return now > expiring.ends - leadOf(expiring, lastPart) ? 'soon' : undefined
}

/** How long before its end something is warned of. */
function leadOf ({ begins, ends }: Pick<Expiring, 'begins' | 'ends'>, lastPart: number): number {
  const part = (ends - begins) * lastPart
  return ends - begins < SHORT_LIFE ? part : Math.max(part, DAY)
}
