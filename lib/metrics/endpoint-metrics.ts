/** One endpoint of an app, as the metrics see it. */
import { BOUNDS, STALL_ENDS } from '../events/capacity-log.js'
import { allowedVersions, isSecured } from '../description/index.js'
import type { Expiring } from '../watching/expiry-warnings.js'
import type { Listener } from '../layers/listener.js'
import { FAULTS } from '../proxy-protocol/result.js'
import { ALERT_DESCRIPTIONS } from '../tls/refusal-reason.js'
import type { ExpiringCrl } from '../revocation/crl/expiry.js'
import type { ExpiringCertificate } from '../tls/credentials-view.js'
import { bounded, fileLabel } from './labels.js'
import type { Followed, Counters } from './counters.js'

/** Certificates, and CRLs, of one endpoint that have series of their own: those that end first. */
const MOST_SERIES = 50

export class EndpointMetrics {
  /** Tells it from all others of the registry. */
  readonly label: string
  readonly listener: Listener
  readonly counters: Counters
  readonly certificates = new Ends<ExpiringCertificate>(({ argument, file }) => [argument, fileLabel(file)])
  readonly crls = new Ends<ExpiringCrl>(({ file, issuer }) => [fileLabel(file), bounded(issuer)])

  constructor (label: string, listener: Listener, counters: Counters) {
    this.label = label
    this.listener = listener
    this.counters = counters
    this.#expectAll()
  }

  /** What it loads from files. */
  get followed (): Followed[] {
    const { tls } = this.listener
    if (tls === undefined) return []
    return tls.revocations === undefined ? ['credentials'] : ['credentials', 'revocations']
  }

  /** Shows, as 0, all that can be counted. */
  #expectAll (): void {
    const { listener: { endpoint, proxy, tls }, counters } = this
    for (const bound of BOUNDS) counters.turnedAwayBy.expect(bound)
    for (const why of STALL_ENDS) counters.stalls.expect(why)
    if (proxy !== undefined) for (const reason of [...Object.keys(FAULTS), 'untrusted']) counters.proxyRefusals.expect(reason)
    if (!isSecured(endpoint)) return
    for (const version of allowedVersions(endpoint.sslmethod)) {
      for (const result of ['admitted', 'refused']) counters.handshakes.expect(version, result)
    }
    for (const result of ['failed', 'left']) counters.handshakes.expect('unknown', result)
    for (const reason of Object.keys(ALERT_DESCRIPTIONS)) {
      for (const alerted of ['true', 'false']) counters.refusals.expect(reason, alerted)
      counters.cuts.expect(reason)
    }
    for (const what of this.followed) counters.failures.expect(what)
    counters.lastGood.set('credentials', Date.now())
    if (tls?.revocations !== undefined) counters.lastGood.set('revocations', tls.revocations.set.loadedAt.getTime())
  }
}

/**
 * What ends, and when: of those with the same labels the first, for example of the certificates of a file. A
 * folder may hold thousands of files, so only those that end first are shown.
 */
class Ends<E extends Expiring> {
  readonly #labelsOf: (expiring: E) => string[]
  #of: readonly E[] = []
  #ends: ReadonlyArray<[labels: string[], ends: number]> = []

  constructor (labelsOf: (expiring: E) => string[]) {
    this.#labelsOf = labelsOf
  }

  /** @param watched what is watched; while it is the same, nothing is done anew */
  of (watched: readonly E[]): ReadonlyArray<[labels: string[], ends: number]> {
    if (watched !== this.#of) {
      this.#of = watched
      this.#ends = this.#firstOf(watched)
    }
    return this.#ends
  }

  #firstOf (watched: readonly E[]): ReadonlyArray<[labels: string[], ends: number]> {
    const found = new Map<string, [labels: string[], ends: number]>()
    for (const expiring of [...watched].sort((a, b) => a.ends - b.ends)) {
      const labels = this.#labelsOf(expiring)
      const key = JSON.stringify(labels)
      if (!found.has(key)) found.set(key, [labels, expiring.ends])
      if (found.size === MOST_SERIES) break
    }
    return [...found.values()]
  }
}
