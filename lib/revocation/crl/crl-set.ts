/**
 * The CRLs that are in force together, and what they say of a certificate (RFC 5280 section 6.3.3).
 *
 * Of each series (see there) the newest complete CRL counts, with the newest delta CRL that builds on it. Nothing
 * ever crosses from one series to another: an empty CRL of somebody else with the same name, however high
 * its number, takes nobody off this one's.
 *
 * Revoking is easier than telling that a certificate is good. A CRL with a defect, one that has expired,
 * one whose signer was revoked since: all of them keep revoking what they list, since dropping them would
 * let somebody in; they only don't count where a policy asks for a proof. And taking somebody off needs
 * more than either: one with a defect replaces none without, and releases nobody.
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

/** What a CRL says of a revoked certificate. */
export interface CrlEntry {
  readonly source: RevocationOrigin
  readonly crl: Crl
  /** CRLReason; undefined where the entry gives none. */
  readonly reason: number | undefined
  /** Milliseconds since 1970; undefined where the entry does not tell. */
  readonly revokedAt: number | undefined
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
  /** Those of them that may be about certificates of other issuers. */
  readonly #indirect: readonly Series[]
  /** The keys of the authorities of each name. */
  readonly #keys: ReadonlyMap<string, ReadonlySet<string>>
  /** By the name of the issuer and the anchor: the series of those that may speak about what is below that. Found when first asked for. */
  readonly #speakers = new Map<string, Map<string, Speakers>>()
  /** What `firstEnd` gave last, and from when to when it holds. */
  #end: { readonly until: number, readonly from: number, readonly to: number } | undefined
  /** For each authority the anchors that its paths reach. */
  readonly #anchors: ReachedAnchors
  /**
   * What an anchor that is not self-signed reaches itself. Who signs CRLs below one of these is heard of what is below
   * that anchor, as without it.
   */
  readonly #above: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** The same as `#anchors` without the paths that hold a revoked authority. */
  #trusted: ReachedAnchors

  /**
   * @param isRevoked what else revokes a certificate, beside CRLs
   * @param now milliseconds since 1970
   */
  constructor (crls: Iterable<SourcedCrl>, authorities: Authorities, isRevoked: (certificate: IdentifiedCertificate) => boolean, now: number) {
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
    // Who is revoked is asked by the CRLs of all of them.
    this.#trusted = this.#anchors
    this.#trusted = this.#withoutRevoked(authorities, isRevoked, now)
  }

  /** CRLs whose signer no path leads from to an anchor, so that they are about nobody. */
  get unreachable (): SourcedCrl[] {
    const cut = [...this.#series.values()].flat().filter(({ signers }) => signers.every((signer) => this.#anchors.get(signer)?.size === 0))
    return cut.flatMap(crlsOf)
  }

  /** When the first of all series ends that prove anything, milliseconds since 1970. */
  firstEnd (now: number): number {
    // Asked for each client whose path is not known any more.
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
   * @param expiredCrl whether a delta CRL that has ended takes somebody off its complete CRL
   */
  find (certificate: CrlSubject, issuer: string, anchor: string, { now, expiredCrl = 'use' }: { now: number, expiredCrl?: 'use' | 'deny' }): CrlEntry | undefined {
    const mayRelease = (delta: SourcedCrl): boolean => {
      return beginOf(delta) <= now && (expiredCrl === 'use' || now <= (delta.crl.nextUpdate ?? Infinity))
    }
    let vouchedSince: number | undefined
    for (const one of this.#listing(certificate, issuer, anchor)) {
      // A serial number is its issuer's only once, so where it stands in a CRL of the issuer the
      // certificate is meant, whatever part of the certificates the CRL is about. Attribute
      // certificates alone have numbers of their own.
      if (one.scope.onlyAttributeCertificates) continue
      const entry = findIn(one, certificate, mayRelease)
      if (entry === undefined) continue
      if (isAbout(one, certificate, issuer)) return entry
      // Asked only of an entry that another key has made, which hardly any handshake meets, and once, however many there are.
      vouchedSince ??= this.#vouchedSince(certificate, issuer, anchor, now)
      if ((entry.revokedAt ?? Infinity) > vouchedSince) return entry
    }
    return undefined
  }

  /** The series that list the serial number of a certificate, of those that may speak about it. */
  * #listing (certificate: CrlSubject, issuer: string, anchor: string): Generator<Series> {
    const { bytes, serialStart, serialEnd } = certificate
    const [, ...others] = this.#groupsFor(certificate, issuer, anchor, { isSameKeyEnough: true })
    let last: Series | undefined
    // An issuer may have thousands of CRLs, one for each part of its certificates.
    for (const { table, index, series } of this.#speakersOf(certificate.issuer, anchor).tables) {
      if (series !== last && table.find(bytes, serialStart, serialEnd, index) !== undefined) yield last = series
    }
    for (const group of others) yield * group
  }

  /** Whether, and for how long, CRLs prove that a certificate that `find` has no entry for is good. */
  coverage (certificate: CrlSubject, issuer: string, anchor: string, now: number): Coverage {
    const groups = this.#groupsFor(certificate, issuer, anchor, { isSameKeyEnough: false })
    const asked = new AskedPoints(certificate)
    const isProvedByNamesakes = this.#isProvedByNamesakes(certificate, issuer, groups)
    let reasons = 0
    const until = new Map<number, number>()
    // RFC 5280 section 6.3.3, the last paragraph: beside those that the certificate names, the CRLs of
    // its issuer that are not about a distribution point of another name.
    for (const all of groups) {
      for (const series of all) {
        const mask = asked.coveredBy(series)
        if (mask === 0 || !(isProvedByNamesakes || isAbout(series, certificate, issuer))) continue
        const validity = this.#validityOf(series, anchor, now)
        if (validity === undefined) continue
        reasons |= mask
        // Who was taken off by a delta CRL is so for as long as that holds.
        if (lookUp(series.delta, certificate)?.reason === REMOVE_FROM_CRL) validity.until = Math.min(validity.until, series.delta?.crl.nextUpdate ?? Infinity)
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
   * The series that may prove that a certificate is good, and what each of them proves.
   *
   * @param isAnyPoint whether the certificate stands for all of its issuer that are of its kind, whatever points they name
   */
  witnesses (certificate: CrlSubject, issuer: string, anchor: string, now: number, isAnyPoint: boolean): Witness[] {
    const own = this.#series.get(certificate.issuer) ?? []
    const isProvedByNamesakes = this.#isProvedByNamesakes(certificate, issuer, [own.filter((series) => this.#reaches(series, anchor))])
    const others = this.#indirect.filter((series) => series.issuer !== certificate.issuer)
    const asked = new AskedPoints(certificate)
    return [...own, ...others].flatMap((series): Witness[] => {
      const points = isAnyPoint ? new AskedPoints(certificate, [pointOf(series, certificate.issuer)]) : asked
      const reasons = points.coveredBy(series)
      // What another issuer says counts only where the certificate says so.
      if (series.issuer !== certificate.issuer && reasons === 0) return []
      const isAboutIt = this.#reaches(series, anchor) && (isProvedByNamesakes || isAbout(series, certificate, issuer))
      return [{ series, isAbout: isAboutIt, validity: this.#validityOf(series, anchor, now), reasons }]
    })
  }

  /** CRLs that prove that certificates are good, and have no end. */
  get endless (): SourcedCrl[] {
    return [...this.#series.values()].flat().flatMap(({ complete, delta }) => {
      if (complete === undefined || complete.crl.defect !== undefined) return []
      return [complete, delta].filter((part) => part !== undefined && part.crl.nextUpdate === undefined) as SourcedCrl[]
    })
  }

  /**
   * Whether CRLs of other keys of its name prove that a certificate is good. What a key has kept once is not proved by
   * another of its name when it has ended; and a key that is not among the authorities may be that of somebody who has
   * only taken the name.
   */
  #isProvedByNamesakes (certificate: CrlSubject, issuer: string, groups: ReadonlyArray<readonly Series[]>): boolean {
    const isKept = groups.some((all) => all.some(({ keys, complete }) => keys.has(issuer) && complete !== undefined))
    return this.#isKnown(certificate.issuer, issuer) && !isKept
  }

  /**
   * The series that may speak about a certificate.
   *
   * @param options isSameKeyEnough: whether a CRL of the very key that has signed the certificate counts under an anchor
   *   that its signer's path does not reach: a client may come with a cross-certificate of its authority
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
   * Since when the key that has signed a certificate says by a CRL of its own that it is good; -Infinity if it
   * does not.
   *
   * RFC 5280 takes the same name under the same anchor for the same authority, and one that has got a new key
   * may sign the CRL for its older certificates with it. But there are authorities that keep a CRL for each
   * key, and there are two tenants with one name. So what a CRL that is known to be about the certificates
   * of another key lists is not about a certificate that a CRL of its own key, made later, does not list.
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

  /** Whether a key is that of one of the authorities of a name. */
  #isKnown (name: string, key: string): boolean {
    return this.#keys.get(name)?.has(key) === true
  }

  #reaches ({ signers }: Series, anchor: string): boolean {
    return signers.some((signer) => this.#holdsUntil(this.#anchors.get(signer), anchor) > -Infinity)
  }

  /** Until when a signer that reaches some anchors may speak about what is below one; -Infinity if it may not. */
  #holdsUntil (reached: ReadonlyMap<string, number> | undefined, anchor: string): number {
    let until = reached?.get(anchor) ?? -Infinity
    for (const [top, notAfter] of this.#above.get(anchor) ?? []) until = Math.max(until, Math.min(notAfter, reached?.get(top) ?? -Infinity))
    return until
  }

  /** When a series proves anything, undefined if never. */
  #validityOf ({ signers, complete, delta }: Series, anchor: string, now: number): { from: number, until: number } | undefined {
    if (complete === undefined || complete.crl.defect !== undefined) return undefined
    let signerUntil = -Infinity
    for (const signer of signers) signerUntil = Math.max(signerUntil, this.#holdsUntil(this.#trusted.get(signer), anchor))
    if (signerUntil === -Infinity) return undefined
    // RFC 5280 section 5.2.4: the two together hold for as long as the delta CRL. With a delta CRL that has
    // ended, or has not begun, what the complete one proves is left.
    // What says no end has none.
    let until = complete.crl.nextUpdate ?? Infinity
    if (delta !== undefined && beginOf(delta) <= now) until = Math.max(until, delta.crl.nextUpdate ?? Infinity)
    return { from: beginOf(complete), until: Math.min(until, signerUntil) }
  }

  /** Which anchors the authorities reach that no list and no CRL revokes. */
  #withoutRevoked (authorities: Authorities, isRevoked: (certificate: IdentifiedCertificate) => boolean, now: number): ReachedAnchors {
    const revoked = new Set<Authority>()
    for (const signer of authorities.all) {
      if (signer.isAnchor) continue
      const isListed = isRevoked(signer.identity) || signer.issuers.some((issuer) => {
        return [...this.#anchors.get(signer)?.keys() ?? []].some((anchor) => this.find(signer.identity.subject, issuer.identity.spki, anchor, { now }) !== undefined)
      })
      if (isListed) revoked.add(signer)
    }
    return authorities.reachedAnchors((authority) => revoked.has(authority))
  }
}

/** A CRL that does not say when it was made proves nothing at any time. */
function beginOf ({ crl: { thisUpdate = Infinity } }: SourcedCrl): number {
  return thisUpdate
}

/** Whether a series is known to be about the certificates of a key, or not known to be about those of others. */
function isAbout ({ issuer, keys }: Series, certificate: CrlSubject, key: string): boolean {
  return issuer !== certificate.issuer || keys.size === 0 || keys.has(key)
}

/** The point of a certificate that names none: its issuer's name is the CRL's, and the point's too. */
const OWN_POINT: DistributionPoint = { reasons: ALL_REASONS }

/** The distribution points of a certificate, as series are held against them: once for all of these. */
class AskedPoints {
  readonly #certificate: CrlSubject
  /** By the issuer of the CRL: its reasons by the names of the points, and under '' those of all. */
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

  /** The reasons for which a series speaks about the certificate by its distribution points (RFC 5280 section 6.3.3 (b) and (d)). */
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

/** In the place of the issuer, for the points whose CRLs the certificate's own issuer signs: no name has this key. */
const OWN = '*'

function namedBy ({ names = ANY_NAME }: Series['scope'], reasons: ReadonlyMap<string, number> | undefined): number {
  let found = 0
  if (reasons !== undefined) for (const name of names) found |= reasons.get(name) ?? 0
  return found
}

const ANY_NAME = ['']

/** @param mayRelease whether a delta CRL may take somebody off */
function findIn ({ complete, delta, additional }: Series, certificate: CrlSubject, mayRelease: (delta: SourcedCrl) => boolean): CrlEntry | undefined {
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
    // Being revoked counts more than being taken off.
    if (entry !== undefined && (found === undefined || found.reason === REMOVE_FROM_CRL)) found = entry
  }
  if (found === undefined) return undefined
  return { source, crl, reason: found.reason === NO_REASON ? undefined : found.reason, revokedAt: found.revokedAt }
}

const NO_INDEXES: readonly number[] = []

/** The series of one issuer's name, as seen from an anchor. */
interface Speakers {
  /** Those of signers with a path to it. */
  readonly all: readonly Series[]
  /** Their tables, each with an index that it knows the name by. */
  readonly tables: ReadonlyArray<{ readonly table: SerialTable, readonly index: number, readonly series: Series }>
  /** Those of them that are about other issuers too. */
  readonly indirect: readonly Series[]
  /** The others, by the keys whose certificates they are about. */
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
