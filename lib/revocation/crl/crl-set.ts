/**
 * The CRLs that are in force together, and what they say of a certificate (RFC 5280 section 6.3.3).
 *
 * Of each series (see there) the newest complete CRL counts, with the newest delta CRL that builds on it. Nothing
 * ever crosses from one series to another: an empty CRL of somebody else with the same name, however high
 * its number, takes nobody off this one's.
 *
 * Revoking is easier than telling that a certificate is good. A CRL with a defect, one that has expired,
 * one whose signer was revoked since: all of them keep revoking what they list, since dropping them would
 * let somebody in; they only don't count where a policy asks for a proof.
 */
import type { IdentifiedCertificate } from '../identity.js'
import type { RevocationSource } from '../revocation-set.js'
import { ALL_REASONS, directoryNameKey, type DistributionPoint } from './distribution-point.js'
import { NO_REASON, REMOVE_FROM_CRL } from './serial-table.js'
import { type Series, type SourcedCrl, seriesOf } from './series.js'
import { anchorsOf, type Signer } from './signers.js'
import type { CrlSubject } from './subject.js'

/** What a CRL says of a revoked certificate. */
export interface CrlEntry {
  readonly source: RevocationSource
  /** CRLReason; undefined where the entry gives none. */
  readonly reason: number | undefined
  /** Milliseconds since 1970. */
  readonly revokedAt: number
}

/** Whether CRLs prove that a certificate is not revoked. */
export interface Coverage {
  /** ReasonFlags for which a CRL says so, current or not. */
  readonly reasons: number
  /** ReasonFlags for which a current one does. */
  readonly current: number
  /** When the first of the current ones ends, milliseconds since 1970. */
  readonly until: number
}

const CERTIFICATE_HOLD = 6

export class CrlSet {
  /** Entries of the CRLs in force. */
  readonly size: number
  /** The CRLs in force. */
  readonly crls: readonly SourcedCrl[]
  readonly #series: ReadonlyMap<string, readonly Series[]>
  /** For each authority the anchors that its paths reach. */
  readonly #anchors: ReadonlyMap<Signer, ReadonlyMap<string, number>>
  /** The same without the paths that hold a revoked authority. */
  readonly #trusted: ReadonlyMap<Signer, ReadonlyMap<string, number>>

  /**
   * @param isRevoked what else revokes a certificate, beside CRLs
   */
  constructor (crls: Iterable<SourcedCrl>, signers: readonly Signer[], isRevoked: (certificate: IdentifiedCertificate) => boolean) {
    const series = seriesOf(crls, signers)
    this.crls = series.flatMap(({ complete, delta, strayDelta }) => [complete, delta, strayDelta]).filter((part) => part !== undefined)
    this.size = this.crls.reduce((size, { crl }) => size + crl.entries.size, 0)
    this.#series = groupByIssuer(series)
    this.#anchors = anchorsOf(signers, () => false)
    this.#trusted = this.#withoutRevoked(signers, isRevoked)
  }

  get isEmpty (): boolean {
    return this.#series.size === 0
  }

  /**
   * The entry that revokes a certificate.
   *
   * @param issuer `spki` of the key that has signed the certificate
   * @param anchor `tbs` of the anchor that the certificate's path ends at
   * @param now milliseconds since 1970
   */
  find (certificate: CrlSubject, issuer: string, anchor: string, now: number): CrlEntry | undefined {
    for (const series of this.#seriesFor(certificate, issuer, anchor, now)) {
      // A serial number is its issuer's only once, so where it stands in a CRL of the issuer the
      // certificate is meant, whatever part of the certificates the CRL is about. Attribute
      // certificates alone have numbers of their own.
      if (series.scope.onlyAttributeCertificates) continue
      const entry = findIn(series, certificate)
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /** Whether, and for how long, CRLs prove that a certificate that `find` has no entry for is good. */
  coverage (certificate: CrlSubject, issuer: string, anchor: string, now: number): Coverage {
    const points = certificate.points ?? []
    const all = [...this.#seriesFor(certificate, issuer, anchor, now)]
    let reasons = 0
    const until = new Map<number, number>()
    // RFC 5280 section 6.3.3, the last paragraph: beside those that the certificate names, the CRLs of
    // its issuer that are not about a distribution point of another name.
    for (const point of [...points, OWN_POINT]) {
      for (const series of all) {
        const mask = coveredBy(series, certificate, point)
        if (mask === 0) continue
        const validity = this.#validityOf(series, anchor)
        if (validity === undefined) continue
        reasons |= mask
        if (now < validity.from || now > validity.until) continue
        for (let bit = 1; bit <= ALL_REASONS; bit <<= 1) {
          if ((mask & bit) !== 0) until.set(bit, Math.max(until.get(bit) ?? -Infinity, validity.until))
        }
      }
    }
    let current = 0
    for (const bit of until.keys()) current |= bit
    return { reasons, current, until: Math.min(...until.values()) }
  }

  /** The series that may speak about a certificate. */
  * #seriesFor (certificate: CrlSubject, issuer: string, anchor: string, now: number): Generator<Series> {
    const own = (this.#series.get(certificate.issuer) ?? []).filter((series) => this.#reaches(series, anchor))
    // RFC 5280 takes the same name under the same anchor for the same authority, and one that has got a
    // new key may sign the CRL for its older certificates with it. But there are authorities that
    // keep a CRL for each key, and there are two tenants with one name. So where the key that has signed
    // the certificate keeps a CRL of its own, those of other authorities are not asked.
    const isKept = own.some(({ spki, complete }) => spki === issuer && (complete?.crl.nextUpdate ?? -Infinity) >= now)
    for (const series of own) {
      if (!isKept || series.spki === issuer || !series.signsCertificates) yield series
    }
    const others = new Set(certificate.points?.flatMap(({ crlIssuers = [] }) => crlIssuers))
    others.delete(certificate.issuer)
    for (const other of others) {
      for (const series of this.#series.get(other) ?? []) {
        if (series.scope.indirect && this.#reaches(series, anchor)) yield series
      }
    }
  }

  #reaches ({ signers }: Series, anchor: string): boolean {
    return signers.some((signer) => this.#anchors.get(signer)?.has(anchor))
  }

  /** When a series proves anything, undefined if never. */
  #validityOf ({ signers, complete, delta }: Series, anchor: string): { from: number, until: number } | undefined {
    if (complete === undefined || complete.crl.defect !== undefined) return undefined
    let signerUntil = -Infinity
    for (const signer of signers) signerUntil = Math.max(signerUntil, this.#trusted.get(signer)?.get(anchor) ?? -Infinity)
    if (signerUntil === -Infinity) return undefined
    // RFC 5280 section 5.2.4: the two together are as new, and hold for as long, as the delta CRL.
    const newest = delta?.crl.defect === undefined ? delta ?? complete : complete
    const { thisUpdate, nextUpdate = -Infinity } = newest.crl
    // With a delta CRL that has ended, what the complete one proves is left.
    const last = Math.max(nextUpdate, complete.crl.nextUpdate ?? -Infinity)
    return { from: Math.min(thisUpdate, complete.crl.thisUpdate), until: Math.min(last, signerUntil) }
  }

  /** Which anchors the authorities reach that no list and no CRL revokes. */
  #withoutRevoked (signers: readonly Signer[], isRevoked: (certificate: IdentifiedCertificate) => boolean): Map<Signer, ReadonlyMap<string, number>> {
    const revoked = new Set<Signer>()
    for (const signer of signers) {
      if (signer.isAnchor) continue
      const isListed = isRevoked(signer.identity) || signer.issuers.some((issuer) => {
        return [...this.#anchors.get(signer)?.keys() ?? []].some((anchor) => this.find(signer.identity.subject, issuer.identity.spki, anchor, Infinity) !== undefined)
      })
      if (isListed) revoked.add(signer)
    }
    return anchorsOf(signers, (signer) => revoked.has(signer))
  }
}

/** The point of a certificate that names none: its issuer's name is the CRL's, and the point's too. */
const OWN_POINT: DistributionPoint = { reasons: ALL_REASONS }

/** The reasons for which a series speaks about a certificate by one of its distribution points (RFC 5280 section 6.3.3 (b) and (d)). */
function coveredBy ({ issuer, scope }: Series, certificate: CrlSubject, point: DistributionPoint): number {
  if (point.crlIssuers === undefined ? issuer !== certificate.issuer : !(scope.indirect && point.crlIssuers.includes(issuer))) return 0
  if (scope.names !== undefined) {
    const names = point.names ?? (point.crlIssuers ?? [certificate.issuer]).map(directoryNameKey)
    if (!names.some((name) => scope.names?.includes(name))) return 0
  }
  if (scope.onlyUserCertificates && certificate.isAuthority) return 0
  if (scope.onlyAuthorityCertificates && !certificate.isAuthority) return 0
  if (scope.onlyAttributeCertificates) return 0
  return point.reasons & scope.reasons
}

function findIn ({ complete, delta, strayDelta }: Series, certificate: CrlSubject): CrlEntry | undefined {
  const known = lookUp(complete, certificate)
  const changed = lookUp(delta, certificate)
  if (changed !== undefined && changed.reason !== REMOVE_FROM_CRL) return changed
  const isReleased = changed !== undefined && known?.reason === CERTIFICATE_HOLD
  if (known !== undefined && !isReleased) return known
  const stray = lookUp(strayDelta, certificate)
  return stray?.reason === REMOVE_FROM_CRL ? undefined : stray
}

function lookUp (sourced: SourcedCrl | undefined, { bytes, serialStart, serialEnd, issuer }: CrlSubject): CrlEntry | undefined {
  const index = sourced?.issuerIndexes.get(issuer)
  if (sourced === undefined || index === undefined) return undefined
  const { crl, source } = sourced
  const entry = crl.entries.find(bytes, serialStart, serialEnd, index)
  if (entry === undefined) return undefined
  return { source, reason: entry.reason === NO_REASON ? undefined : entry.reason, revokedAt: entry.revokedAt }
}

function groupByIssuer (series: Iterable<Series>): Map<string, Series[]> {
  const groups = new Map<string, Series[]>()
  for (const one of series) {
    const group = groups.get(one.issuer)
    if (group === undefined) groups.set(one.issuer, [one])
    else group.push(one)
  }
  return groups
}
