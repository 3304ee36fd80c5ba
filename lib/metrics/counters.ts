/**
 * What happens at one endpoint, counted. Nothing counts where no metrics were asked for.
 *
 * A count costs the look-up of a short string; what Prometheus is shown is made of it when Prometheus asks.
 */
import type { Bound } from '../events/capacity-log.js'
import type { HeaderFault } from '../proxy-protocol/result.js'
import type { StallEnd } from '../engine/stalled-peers.js'
import type { RefusalReason } from '../tls/refusal-reason.js'
import type { LoadReport } from '../watching/follower.js'

/** `left` is a client that has closed its connection in the middle, or has made room for others. */
type HandshakeResult = 'admitted' | 'refused' | 'failed' | 'left'

/** What is loaded from files: keys, certificates and authorities; or the revocation list with what it names. */
export type Followed = 'credentials' | 'revocations'

export class Counters {
  /** By version and result. */
  readonly handshakes = new Counts()
  /** By reason, and whether an alert told of it. */
  readonly refusals = new Counts()
  /** By reason. */
  readonly proxyRefusals = new Counts()
  /** By the bound that there was no room below. */
  readonly turnedAwayBy = new Counts()
  /** By why they were ended. */
  readonly stalls = new Counts()
  /** By reason. */
  readonly cuts = new Counts()
  /** By what was loaded: loads with problems. */
  readonly failures = new Counts()
  /** By what was loaded: when that had no problems, in milliseconds since 1970. */
  readonly lastGood = new Map<Followed, number>()
  readonly #onLoad: (what: Followed, report: LoadReport) => void

  constructor (onLoad: (what: Followed, report: LoadReport) => void) {
    this.#onLoad = onLoad
  }

  /** @param version as Node names it; `unknown` where it did not come to a verdict */
  shaken (version: string, result: HandshakeResult): void {
    this.handshakes.add(version, result)
  }

  refused (reason: RefusalReason, alerted: boolean): void {
    this.refusals.add(reason, String(alerted))
  }

  proxyRefused (reason: HeaderFault | 'untrusted'): void {
    this.proxyRefusals.add(reason)
  }

  turnedAway (bound: Bound): void {
    this.turnedAwayBy.add(bound)
  }

  stalled (why: StallEnd, count: number): void {
    this.stalls.addMany(count, why)
  }

  cut (reason: RefusalReason): void {
    this.cuts.add(reason)
  }

  loaded (what: Followed, report: LoadReport): void {
    if (report.problems.length === 0) this.lastGood.set(what, Date.now())
    else this.failures.add(what)
    this.#onLoad(what, report)
  }
}

/** How often each combination of labels came. All of them are words of our own, so that there are few. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add (...labels: string[]): void {
    this.addMany(1, ...labels)
  }

  addMany (count: number, ...labels: string[]): void {
    const key = labels.join(' ')
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
  }

  /** Has a combination shown that did not come yet: Prometheus sees no increase in what appears with its first one. */
  expect (...labels: string[]): void {
    const key = labels.join(' ')
    this.#counts.set(key, this.#counts.get(key) ?? 0)
  }

  * [Symbol.iterator] (): Generator<[labels: string[], count: number]> {
    for (const [key, count] of this.#counts) yield [key.split(' '), count]
  }
}
