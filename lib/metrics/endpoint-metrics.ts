/** The metrics of one endpoint: its label, its counters, and when its certificates and CRLs expire. */
import { CONNECTION_LIMITS, STALL_ENDS } from '../events/capacity-log.js'
import { allowedVersions, isSecured } from '../description/index.js'
import type { Expiring } from '../watching/expiry-warnings.js'
import type { Listener } from '../layers/listener.js'
import { FAULTS } from '../proxy-protocol/result.js'
import { ALERT_DESCRIPTIONS } from '../tls/refusal-reason.js'
import type { ExpiringCrl } from '../revocation/crl/expiry.js'
import type { ExpiringCertificate } from '../tls/credentials-view.js'
import { bounded, fileLabel } from './labels.js'
import type { LoadedKind, Counters } from './counters.js'

/** Series per endpoint for certificates, and again for CRLs: those that expire first. */
const MOST_SERIES = 50

export class EndpointMetrics {
  /** Unique in the registry. */
  readonly label: string
  readonly listener: Listener
  readonly counters: Counters
  readonly certificates = new EarliestEnds<ExpiringCertificate>(({ argument, file }) => [argument, fileLabel(file)])
  readonly crls = new EarliestEnds<ExpiringCrl>(({ file, issuer }) => [fileLabel(file), bounded(issuer)])

  constructor (label: string, listener: Listener, counters: Counters) {
    this.label = label
    this.listener = listener
    this.counters = counters
    this.#initializeAll()
  }

  /** What the endpoint loads from files. */
  get loadedKinds (): LoadedKind[] {
    const { tls } = this.listener
    if (tls === undefined) return []
    const kinds: LoadedKind[] = ['credentials']
    if (tls.revocations !== undefined) kinds.push('revocations')
    if (tls.allowed !== undefined) kinds.push('allowed')
    return kinds
  }

  /** Initializes every series that can be counted to 0. */
  #initializeAll (): void {
    const { listener: { endpoint, proxy, tls }, counters } = this
    for (const limit of CONNECTION_LIMITS) counters.rejections.initialize(limit)
    for (const why of STALL_ENDS) counters.stalls.initialize(why)
    if (proxy !== undefined) for (const reason of [...Object.keys(FAULTS), 'untrusted']) counters.proxyRefusals.initialize(reason)
    if (!isSecured(endpoint)) return
    for (const version of allowedVersions(endpoint.sslmethod)) {
      for (const result of ['admitted', 'refused']) counters.handshakes.initialize(version, result)
    }
    for (const result of ['failed', 'left']) counters.handshakes.initialize('unknown', result)
    for (const reason of Object.keys(ALERT_DESCRIPTIONS)) {
      for (const alerted of ['true', 'false']) counters.refusals.initialize(reason, alerted)
      counters.cuts.initialize(reason)
    }
    for (const what of this.loadedKinds) counters.failedLoads.initialize(what)
    for (const what of this.loadedKinds) counters.lastGoodLoads.set(what, Date.now())
    if (tls?.revocations !== undefined) counters.lastGoodLoads.set('revocations', tls.revocations.set.loadedAt.getTime())
  }
}

/**
 * The earliest end per combination of labels, for example of all certificates in a file. A folder may hold thousands of
 * files, so only those that expire first are shown.
 */
class EarliestEnds<E extends Expiring> {
  readonly #labelsOf: (expiring: E) => string[]
  #of: readonly E[] = []
  #ends: ReadonlyArray<[labels: string[], ends: number]> = []

  constructor (labelsOf: (expiring: E) => string[]) {
    this.#labelsOf = labelsOf
  }

  /** @param watched all that may expire; the result is kept while it is the same array */
  of (watched: readonly E[]): ReadonlyArray<[labels: string[], ends: number]> {
    if (watched !== this.#of) {
      this.#of = watched
      this.#ends = this.#earliestOf(watched)
    }
    return this.#ends
  }

  #earliestOf (watched: readonly E[]): ReadonlyArray<[labels: string[], ends: number]> {
    const earliest = new Map<string, [labels: string[], ends: number]>()
    for (const expiring of [...watched].sort((a, b) => a.ends - b.ends)) {
      const labels = this.#labelsOf(expiring)
      const key = JSON.stringify(labels)
      if (!earliest.has(key)) earliest.set(key, [labels, expiring.ends])
      if (earliest.size === MOST_SERIES) break
    }
    return [...earliest.values()]
  }
}
