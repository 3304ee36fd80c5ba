/**
 * Warning of CRLs that come to their end: an expired one that nobody has noticed refuses everybody under
 * one policy, and misses the newest revocations under the other.
 */
import { DeadlineTimer } from '../../deadline.js'
import { quotePath } from '../../files.js'
import type { ReportLog } from '../../watching/problem-report.js'
import type { SourcedCrl } from './series.js'

/** Of the life of a CRL, what is left when it is warned of. */
const LAST_PART = 1 / 5
/** It is warned of a day (milliseconds) before the end at the latest, if it lives for some days. */
const DAY = 24 * 60 * 60 * 1000
const SHORT_LIFE = 2 * DAY

export class CrlExpiry {
  readonly #now: () => number
  readonly #log: ReportLog | undefined
  readonly #timer: DeadlineTimer
  #crls: readonly SourcedCrl[] = []
  /** What was warned of, so that it is done once. */
  #told = new Set<string>()

  /** @param now the clock, in milliseconds since 1970 */
  constructor (now: () => number, log: ReportLog | undefined) {
    this.#now = now
    this.#log = log
    this.#timer = new DeadlineTimer(now, () => { this.#look() })
  }

  /** Watches these from now on, and no others. */
  watch (crls: readonly SourcedCrl[]): void {
    this.#crls = crls
    this.#look()
  }

  close (): void {
    this.#timer.close()
  }

  #look (): void {
    const now = this.#now()
    const told = new Set<string>()
    for (const { crl: { thisUpdate, nextUpdate }, digest, source: { file = '' } } of this.#crls) {
      if (nextUpdate === undefined) continue
      const warning = nextUpdate - leadOf(nextUpdate - thisUpdate)
      const end = new Date(nextUpdate).toISOString()
      if (now > nextUpdate) {
        told.add(`${digest} ended`)
        if (!this.#told.has(`${digest} ended`)) this.#log?.warn({ file, nextUpdate: end }, `the CRL in ${quotePath(file)} has expired: what it revokes stays revoked, what was revoked since is not known; publish a newer one`)
      } else if (now > warning) {
        told.add(`${digest} ends`)
        if (!this.#told.has(`${digest} ends`)) this.#log?.warn({ file, nextUpdate: end }, `the CRL in ${quotePath(file)} expires soon: publish a newer one`)
      }
      if (now <= nextUpdate) this.#timer.arm(now > warning ? nextUpdate : warning)
    }
    this.#told = told
  }
}

/** Milliseconds before its end at which a CRL of some life is warned of. */
function leadOf (life: number): number {
  const part = life * LAST_PART
  return life < SHORT_LIFE ? part : Math.max(part, DAY)
}
