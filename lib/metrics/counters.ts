/**
 * Counters of one endpoint; there are none without the option `metrics`.
 *
 * Counting costs the lookup of a short string. Metrics are made from the counters when Prometheus asks.
 */
import type { ConnectionLimit } from '../events/capacity-log.js'
import type { HeaderFault } from '../proxy-protocol/result.js'
import type { StallEnd } from '../engine/stalled-peers.js'
import type { RefusalReason } from '../tls/refusal-reason.js'
import type { LoadReport } from '../watching/follower.js'

/** `left`: the client closed its connection during the handshake, or was dropped at a connection limit. */
type HandshakeResult = 'admitted' | 'refused' | 'failed' | 'left'

/** What is loaded from files: keys, certificates and authorities; the revocation list and all that it names; or the allowed list. */
export type LoadedKind = 'credentials' | 'revocations' | 'allowed'

export class Counters {
  /** By version and result. */
  readonly handshakes = new Counts()
  /** By reason, and whether an alert was sent. */
  readonly refusals = new Counts()
  /** By reason. */
  readonly proxyRefusals = new Counts()
  /** By the limit that was reached. */
  readonly rejections = new Counts()
  /** Connections and streams that were closed because the peer read no data, by reason. */
  readonly stalls = new Counts()
  /** By reason. */
  readonly cuts = new Counts()
  /** Loads with problems, by what was loaded. */
  readonly failedLoads = new Counts()
  /** Time of the last load without problems, by what was loaded, in milliseconds since 1970. */
  readonly lastGoodLoads = new Map<LoadedKind, number>()
  readonly #onLoad: (what: LoadedKind, report: LoadReport) => void

  constructor (onLoad: (what: LoadedKind, report: LoadReport) => void) {
    this.#onLoad = onLoad
  }

  /** @param version as Node names it; `unknown` without a verdict */
  countHandshake (version: string, result: HandshakeResult): void {
    this.handshakes.add(version, result)
  }

  countRefusal (reason: RefusalReason, alerted: boolean): void {
    this.refusals.add(reason, String(alerted))
  }

  countProxyRefusal (reason: HeaderFault | 'untrusted'): void {
    this.proxyRefusals.add(reason)
  }

  countRejected (limit: ConnectionLimit): void {
    this.rejections.add(limit)
  }

  countStalled (why: StallEnd, count: number): void {
    this.stalls.addMany(count, why)
  }

  countCut (reason: RefusalReason): void {
    this.cuts.add(reason)
  }

  countLoad (what: LoadedKind, report: LoadReport): void {
    if (report.problems.length === 0) this.lastGoodLoads.set(what, Date.now())
    else this.failedLoads.add(what)
    this.#onLoad(what, report)
  }
}

/** Counts per combination of labels. All labels are words of ours, so there are few. */
export class Counts {
  readonly #counts = new Map<string, number>()

  add (...labels: string[]): void {
    this.addMany(1, ...labels)
  }

  addMany (count: number, ...labels: string[]): void {
    const key = labels.join(' ')
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
  }

  /** Initializes a combination to 0: Prometheus' rate() misses the first increment of a new series. */
  initialize (...labels: string[]): void {
    const key = labels.join(' ')
    this.#counts.set(key, this.#counts.get(key) ?? 0)
  }

  * [Symbol.iterator] (): Generator<[labels: string[], count: number]> {
    for (const [key, count] of this.#counts) yield [key.split(' '), count]
  }
}
