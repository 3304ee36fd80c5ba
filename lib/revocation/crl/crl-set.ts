/**
 * The CRLs that are in force together, and what they say about a certificate (RFC 5280 section
 * 6.3.3).
 *
 * Of each series the newest complete CRL counts, with the newest delta CRL that builds on it. No series affects another: an
 * empty CRL of a stranger with the same name, however high its number, un-revokes nobody.
 *
 * Revoking a certificate takes less than proving it good. A CRL that has a defect, has expired, or whose signer was
 * revoked still revokes what it lists, because dropping it would let clients in. But it does not count as a proof if a
 * policy requires one. Un-revoking takes the most: a CRL with a defect never replaces one without a defect, and
 * releases nobody.
 */
import type { IdentifiedCertificate } from '../../x509/identity.js'
import type { RevocationOrigin } from '../../../types/revocation.js'
import type { Crl } from './crl.js'
import { ALL_REASONS, directoryNameKey, type DistributionPoint } from '../../x509/distribution-point.js'
import { ANYBODY } from './entries.js'
import { NO_REASON, REMOVE_FROM_CRL, type SerialEntry, type SerialTable } from './serial-table.js'
import { crlsOf, type Series, type SourcedCrl, seriesOf } from './series.js'
import type { Authorities, Authority, ReachedAnchors } from '../../x509/authorities.js'
import { pointOf, type Witness } from './proofs.js'
import type { CrlSubject } from '../../x509/subject.js'

/** The entry of a revoked certificate. */
export interface CrlEntry {
  readonly source: RevocationOrigin
  readonly crl: Crl
  /** CRLReason; undefined where the entry gives none. */
  readonly reason: number | undefined
  /** Milliseconds since 1970; undefined where the entry does not say. */
  readonly revokedAt: number | undefined
}

/** How far CRLs prove that a certificate is not revoked. */
export interface Coverage {
  /** ReasonFlags that a CRL covers, current or not. */
  readonly reasons: number
  /** ReasonFlags that a current CRL covers. */
  readonly current: number
  /** When the first of the current CRLs expires, in milliseconds since 1970. */
  readonly until: number
}

const CERTIFICATE_HOLD = 6

export class CrlSet {
  /** Entries of the CRLs in force. */
  readonly size: number
  /** The CRLs in force. */
  readonly crls: readonly SourcedCrl[]
  readonly #series: ReadonlyMap<string, readonly Series[]>
  /** The series that may cover certificates of other issuers. */
  readonly #indirect: readonly Series[]
  /** The keys of the authorities of each name. */
  readonly #keys: ReadonlyMap<string, ReadonlySet<string>>
  /** By issuer name and anchor: the series that may cover certificates below that anchor. Computed on first use. */
  readonly #speakers = new Map<string, Map<string, Speakers>>()
  /** The last result of `firstEnd`, and the time for which it holds. */
  #end: { readonly until: number, readonly from: number, readonly to: number } | undefined
  /** For each authority the anchors that its paths reach. */
  readonly #anchors: ReachedAnchors
  /**
   * The anchors above each anchor that is not self-signed. Their CRL signers count below such an anchor too, as if it were
   * no anchor.
   */
  readonly #above: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** As `#anchors`, without paths through a revoked authority. */
  #trusted: ReachedAnchors

  /**
   * @param isRevoked whether anything but CRLs revokes a certificate
   * @param now milliseconds since 1970
   */
  constructor (
    crls: Iterable<SourcedCrl>,
    authorities: Authorities,
    isRevoked: (certificate: IdentifiedCertificate) => boolean,
    now: number
  ) {
    const series = seriesOf(crls, authorities.all)
    this.crls = series.flatMap(crlsOf)
    this.size = this.crls.reduce((size, { crl }) => size + crl.entries.size, 0)
    this.#series = groupByIssuer(series)
    this.#indirect = series.filter(({ scope }) => scope.indirect)
    this.#keys = keysByName(authorities.all)
    this.#anchors = authorities.reachedAnchors()
    this.#above = new Map(authorities.all.filter(({ isAnchor, isSelfSigned }) => isAnchor && !isSelfSigned).map((authority) => {
      return [authority.identity.tbs, this.#anchors.get(authority) as ReadonlyMap<string, number>]
    }))
    // Whether an authority is revoked depends on the CRLs of all authorities.
    this.#trusted = this.#anchors
    this.#trusted = this.#withoutRevoked(authorities, isRevoked, now)
  }

  /** CRLs without effect: no path leads from their signer to an anchor. */
  get unreachable (): SourcedCrl[] {
    const cut = [...this.#series.values()].flat().filter(({ signers }) => signers.every((signer) => this.#anchors.get(signer)?.size === 0))
    return cut.flatMap(crlsOf)
  }

  /** When the first series that proves anything expires, in milliseconds since 1970. */
  firstEnd (now: number): number {
    // Called for each client whose path is no longer known.
    if (this.#end !== undefined && this.#end.from <= now && now < this.#end.to) return this.#end.until
    let until = Infinity
    let to = Infinity
    for (const series of [...this.#series.values()].flat()) {
      const begin = series.delta === undefined ? -Infinity : beginOf(series.delta)
      if (begin > now) to = Math.min(to, begin)
      for (const anchor of new Set(series.signers.flatMap((signer) => [...this.#trusted.get(signer)?.keys() ?? []]))) {
        until = Math.min(until, this.#validityOf(series, anchor, now)?.until ?? Infinity)
      }
    }
    this.#end = { until, from: now, to }
    return until
  }

  /**
   * The entry that revokes a certificate.
   *
   * @param issuer `spki` of the key that has signed the certificate
   * @param anchor `tbs` of the anchor that the certificate's path ends at
   * @param now milliseconds since 1970
   * @param expiredCrl whether an expired delta CRL can release an entry of its complete CRL
   */
  find (
    certificate: CrlSubject,
    issuer: string,
    anchor: string,
    { now, expiredCrl = 'use' }: { now: number, expiredCrl?: 'use' | 'deny' }
  ): CrlEntry | undefined {
    const mayRelease = (delta: SourcedCrl): boolean => {
      return beginOf(delta) <= now && (expiredCrl === 'use' || now <= (delta.crl.nextUpdate ?? Infinity))
    }
    let vouchedSince: number | undefined
    for (const one of this.#listing(certificate, issuer, anchor)) {
      // An issuer uses a serial number only once. So an entry in a CRL of the issuer means this
      // certificate, whatever the scope of the CRL. Only attribute certificates have numbers of their own.
      if (one.scope.onlyAttributeCertificates) continue
      const entry = findIn(one, certificate, mayRelease)
      if (entry === undefined) continue
      if (isAbout(one, certificate, issuer)) return entry
      // Needed only for entries that another key has signed, which are rare; computed once.
      vouchedSince ??= this.#vouchedSince(certificate, issuer, anchor, now)
      if ((entry.revokedAt ?? Infinity) > vouchedSince) return entry
    }
    return undefined
  }

  /** The series that may cover a certificate and list its serial number. */
  * #listing (certificate: CrlSubject, issuer: string, anchor: string): Generator<Series> {
    const { bytes, serialStart, serialEnd } = certificate
    const [, ...others] = this.#groupsFor(certificate, issuer, anchor, { isSameKeyEnough: true })
    let last: Series | undefined
    // An issuer may have thousands of partitioned CRLs.
    for (const { table, index, series } of this.#speakersOf(certificate.issuer, anchor).tables) {
      if (series !== last && table.find(bytes, serialStart, serialEnd, index) !== undefined) yield last = series
    }
    for (const group of others) yield * group
  }

  /** How far, and until when, CRLs prove a certificate good for which `find` has no entry. */
  coverage (certificate: CrlSubject, issuer: string, anchor: string, now: number): Coverage {
    const groups = this.#groupsFor(certificate, issuer, anchor, { isSameKeyEnough: false })
    const asked = new AskedPoints(certificate)
    const isProvedByNamesakes = this.#isProvedByNamesakes(certificate, issuer, groups)
    let reasons = 0
    const until = new Map<number, number>()
    // RFC 5280 section 6.3.3, last paragraph: besides the CRLs that the certificate names, those of its
    // issuer whose scope names no other distribution point.
    for (const all of groups) {
      for (const series of all) {
        const mask = asked.coveredBy(series)
        if (mask === 0 || !(isProvedByNamesakes || isAbout(series, certificate, issuer))) continue
        const validity = this.#validityOf(series, anchor, now)
        if (validity === undefined) continue
        reasons |= mask
        // A release by a delta CRL holds only as long as that CRL.
        if (lookUp(series.delta, certificate)?.reason === REMOVE_FROM_CRL) {
          validity.until = Math.min(validity.until, series.delta?.crl.nextUpdate ?? Infinity)
        }
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

  /**
   * The series that may prove a certificate good, and what each of them proves.
   *
   * @param isAnyPoint whether the certificate is an example of all that its issuer issues of this kind, with any
   *   distribution points
   */
  witnesses (certificate: CrlSubject, issuer: string, anchor: string, now: number, isAnyPoint: boolean): Witness[] {
    const own = this.#series.get(certificate.issuer) ?? []
    const isProvedByNamesakes = this.#isProvedByNamesakes(certificate, issuer, [own.filter((series) => this.#reaches(series, anchor))])
    const others = this.#indirect.filter((series) => series.issuer !== certificate.issuer)
    const asked = new AskedPoints(certificate)
    return [...own, ...others].flatMap((series): Witness[] => {
      const points = isAnyPoint ? new AskedPoints(certificate, [pointOf(series, certificate.issuer)]) : asked
      const reasons = points.coveredBy(series)
      // A CRL of another issuer counts only where the certificate names that issuer.
      if (series.issuer !== certificate.issuer && reasons === 0) return []
      const isAboutIt = this.#reaches(series, anchor) && (isProvedByNamesakes || isAbout(series, certificate, issuer))
      return [{ series, isAbout: isAboutIt, validity: this.#validityOf(series, anchor, now), reasons }]
    })
  }

  /** CRLs without nextUpdate that prove certificates good. */
  get endless (): SourcedCrl[] {
    return [...this.#series.values()].flat().flatMap(({ complete, delta }) => {
      if (complete === undefined || complete.crl.defect !== undefined) return []
      return [complete, delta].filter((part) => part !== undefined && part.crl.nextUpdate === undefined) as SourcedCrl[]
    })
  }

  /**
   * Whether CRLs of other keys with the issuer's name may prove a certificate good. They may not where the issuer's key
   * has a CRL of its own, even an expired one. They may not either if that key is not among the authorities: a stranger
   * may have chosen the same name.
   */
  #isProvedByNamesakes (certificate: CrlSubject, issuer: string, groups: ReadonlyArray<readonly Series[]>): boolean {
    const hasOwnCrl = groups.some((all) => all.some(({ keys, complete }) => keys.has(issuer) && complete !== undefined))
    return this.#isKnown(certificate.issuer, issuer) && !hasOwnCrl
  }

  /**
   * The series that may cover a certificate.
   *
   * @param options isSameKeyEnough: whether a CRL of the key that has signed the certificate counts although its signer does
   *   not reach the anchor. A client may present a cross-certificate of its authority
   */
  #groupsFor (certificate: CrlSubject, issuer: string, anchor: string, options: { isSameKeyEnough: boolean }): Array<readonly Series[]> {
    const own = this.#speakersOf(certificate.issuer, anchor)
    const groups = [own.all]
    if (options.isSameKeyEnough) groups.push(own.others.get(issuer) ?? NO_SERIES)
    const others = new Set(certificate.points?.flatMap(({ crlIssuers = [] }) => crlIssuers))
    others.delete(certificate.issuer)
    for (const other of others) groups.push(this.#speakersOf(other, anchor).indirect)
    return groups
  }

  #speakersOf (name: string, anchor: string): Speakers {
    const all = this.#series.get(name)
    if (all === undefined) return NO_SPEAKERS
    const known = this.#speakers.get(name)?.get(anchor)
    if (known !== undefined) return known
    const reached = all.filter((series) => this.#reaches(series, anchor))
    const isReached = new Set(reached)
    const others = new Map<string, Series[]>()
    for (const series of all) {
      if (!isReached.has(series)) for (const key of series.keys) addTo(others, key, series)
    }
    const tables = reached.flatMap((series) => crlsOf(series).flatMap(({ crl: { entries: table }, issuerIndexes }) => {
      return (issuerIndexes.get(name) ?? issuerIndexes.get(ANYBODY) ?? NO_INDEXES).map((index) => ({ table, index, series }))
    }))
    const speakers = { all: reached, tables, indirect: reached.filter(({ scope }) => scope.indirect), others }
    const ofName = this.#speakers.get(name) ?? new Map<string, Speakers>()
    this.#speakers.set(name, ofName.set(anchor, speakers))
    return speakers
  }

  /**
   * Since when a CRL of the key that has signed a certificate vouches for it; -Infinity if none does.
   *
   * RFC 5280 treats the same name under the same anchor as the same authority, whose new key may sign the CRL for its older
   * certificates. But some authorities publish a CRL for each key, and two tenants may have one name. So an entry in a CRL
   * of another key does not count where a later CRL of the certificate's own key does not list it.
   */
  #vouchedSince (certificate: CrlSubject, issuer: string, anchor: string, now: number): number {
    const { all, others } = this.#speakersOf(certificate.issuer, anchor)
    const asked = new AskedPoints(certificate)
    let since = -Infinity
    for (const group of [all, others.get(issuer) ?? NO_SERIES]) {
      for (const one of group) {
        if (!one.keys.has(issuer) || asked.coveredBy(one) !== ALL_REASONS) continue
        const validity = this.#validityOf(one, anchor, now)
        if (validity === undefined || validity.from > now || validity.until < now) continue
        since = Math.max(since, validity.from)
      }
    }
    return since
  }

  /** Whether an authority has this name and this key. */
  #isKnown (name: string, key: string): boolean {
    return this.#keys.get(name)?.has(key) === true
  }

  #reaches ({ signers }: Series, anchor: string): boolean {
    return signers.some((signer) => this.#holdsUntil(this.#anchors.get(signer), anchor) > -Infinity)
  }

  /** Until when a signer's CRLs count below an anchor, from the anchors that it reaches; -Infinity if they do not. */
  #holdsUntil (reached: ReadonlyMap<string, number> | undefined, anchor: string): number {
    let until = reached?.get(anchor) ?? -Infinity
    for (const [top, notAfter] of this.#above.get(anchor) ?? []) until = Math.max(until, Math.min(notAfter, reached?.get(top) ?? -Infinity))
    return until
  }

  /** When a series proves anything; undefined if never. */
  #validityOf ({ signers, complete, delta }: Series, anchor: string, now: number): { from: number, until: number } | undefined {
    if (complete === undefined || complete.crl.defect !== undefined) return undefined
    let signerUntil = -Infinity
    for (const signer of signers) signerUntil = Math.max(signerUntil, this.#holdsUntil(this.#trusted.get(signer), anchor))
    if (signerUntil === -Infinity) return undefined
    // RFC 5280 section 5.2.4: together they hold as long as the delta CRL. Where the delta CRL has expired or
    // not begun, the complete one still proves what it can. A CRL without nextUpdate never expires.
    let until = complete.crl.nextUpdate ?? Infinity
    if (delta !== undefined && beginOf(delta) <= now) until = Math.max(until, delta.crl.nextUpdate ?? Infinity)
    return { from: beginOf(complete), until: Math.min(until, signerUntil) }
  }

  /** The anchors that authorities reach without passing a revoked one. */
  #withoutRevoked (authorities: Authorities, isRevoked: (certificate: IdentifiedCertificate) => boolean, now: number): ReachedAnchors {
    const revoked = new Set<Authority>()
    for (const signer of authorities.all) {
      if (signer.isAnchor) continue
      const isListed = isRevoked(signer.identity) || signer.issuers.some((issuer) => {
        const anchors = [...this.#anchors.get(signer)?.keys() ?? []]
        return anchors.some((anchor) => this.find(signer.identity.subject, issuer.identity.spki, anchor, { now }) !== undefined)
      })
      if (isListed) revoked.add(signer)
    }
    return authorities.reachedAnchors((authority) => revoked.has(authority))
  }
}

/** A CRL without a readable thisUpdate never proves anything. */
function beginOf ({ crl: { thisUpdate = Infinity } }: SourcedCrl): number {
  return thisUpdate
}

/** Whether a series covers the certificates of a key, as far as is known. */
function isAbout ({ issuer, keys }: Series, certificate: CrlSubject, key: string): boolean {
  return issuer !== certificate.issuer || keys.size === 0 || keys.has(key)
}

/** The implied point of every certificate: the name of its issuer. */
const OWN_POINT: DistributionPoint = { reasons: ALL_REASONS }

/** The distribution points of a certificate, indexed once for all series. */
class AskedPoints {
  readonly #certificate: CrlSubject
  /** By issuer of the CRL: reasons by name of the point, and under '' those of all points. */
  readonly #reasons = new Map<string, Map<string, number>>()

  constructor (certificate: CrlSubject, points: readonly DistributionPoint[] = [...certificate.points ?? [], OWN_POINT]) {
    this.#certificate = certificate
    for (const point of points) {
      const issuers = point.crlIssuers ?? [certificate.issuer]
      const names = point.names ?? issuers.map(directoryNameKey)
      for (const issuer of issuers) this.#add(point.crlIssuers === undefined ? OWN : issuer, ['', ...names], point.reasons)
    }
  }

  #add (issuer: string, names: readonly string[], reasons: number): void {
    const known = this.#reasons.get(issuer) ?? new Map<string, number>()
    this.#reasons.set(issuer, known)
    for (const name of names) known.set(name, (known.get(name) ?? 0) | reasons)
  }

  /** The reasons for which a series covers the certificate (RFC 5280 section 6.3.3 (b) and (d)). */
  coveredBy ({ issuer, scope }: Series): number {
    const { isAuthority } = this.#certificate
    if (isAuthority ? scope.onlyUserCertificates : scope.onlyAuthorityCertificates) return 0
    if (scope.onlyAttributeCertificates) return 0
    let reasons = 0
    if (issuer === this.#certificate.issuer) reasons |= namedBy(scope, this.#reasons.get(OWN))
    if (scope.indirect) reasons |= namedBy(scope, this.#reasons.get(issuer))
    return reasons & scope.reasons
  }
}

/** Means the certificate's own issuer; no name has this key. */
const OWN = '*'

function namedBy ({ names = ANY_NAME }: Series['scope'], reasons: ReadonlyMap<string, number> | undefined): number {
  let found = 0
  if (reasons !== undefined) for (const name of names) found |= reasons.get(name) ?? 0
  return found
}

const ANY_NAME = ['']

/** @param mayRelease whether a delta CRL may release an entry */
function findIn (
  { complete, delta, additional }: Series,
  certificate: CrlSubject,
  mayRelease: (delta: SourcedCrl) => boolean
): CrlEntry | undefined {
  const known = lookUp(complete, certificate)
  const changed = lookUp(delta, certificate)
  if (changed !== undefined && changed.reason !== REMOVE_FROM_CRL) return changed
  const isReleased = delta !== undefined && changed !== undefined && known?.reason === CERTIFICATE_HOLD && mayRelease(delta)
  if (known !== undefined && !isReleased) return known
  for (const sourced of additional) {
    const entry = lookUp(sourced, certificate)
    if (entry !== undefined && entry.reason !== REMOVE_FROM_CRL) return entry
  }
  return undefined
}

function lookUp (sourced: SourcedCrl | undefined, { bytes, serialStart, serialEnd, issuer }: CrlSubject): CrlEntry | undefined {
  if (sourced === undefined) return undefined
  const { crl, source, issuerIndexes } = sourced
  let found: SerialEntry | undefined
  for (const index of issuerIndexes.get(issuer) ?? issuerIndexes.get(ANYBODY) ?? NO_INDEXES) {
    const entry = crl.entries.find(bytes, serialStart, serialEnd, index)
    // A revocation wins over a release.
    if (entry !== undefined && (found === undefined || found.reason === REMOVE_FROM_CRL)) found = entry
  }
  if (found === undefined) return undefined
  return { source, crl, reason: found.reason === NO_REASON ? undefined : found.reason, revokedAt: found.revokedAt }
}

const NO_INDEXES: readonly number[] = []

/** The series of an issuer name, for certificates below one anchor. */
interface Speakers {
  /** The series whose signers reach the anchor. */
  readonly all: readonly Series[]
  /** Their tables, each with its index of the name. */
  readonly tables: ReadonlyArray<{ readonly table: SerialTable, readonly index: number, readonly series: Series }>
  /** Those of them that cover other issuers too. */
  readonly indirect: readonly Series[]
  /** The series that do not reach it, by the keys whose certificates they cover. */
  readonly others: ReadonlyMap<string, readonly Series[]>
}

const NO_SERIES: readonly Series[] = []
const NO_SPEAKERS: Speakers = { all: NO_SERIES, tables: [], indirect: NO_SERIES, others: new Map() }

function groupByIssuer (series: Iterable<Series>): Map<string, Series[]> {
  const groups = new Map<string, Series[]>()
  for (const one of series) addTo(groups, one.issuer, one)
  return groups
}

function addTo (groups: Map<string, Series[]>, key: string, one: Series): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [one])
  else group.push(one)
}

function keysByName (signers: readonly Authority[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>()
  for (const { name, identity } of signers) keys.set(name, (keys.get(name) ?? new Set()).add(identity.spki))
  return keys
}
