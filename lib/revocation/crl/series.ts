/**
 * CRLs that replace one another: those of one signing key, one issuer's name and one scope.
 *
 * RFC 5280 section 6.3.3 requires the same anchor, not the same key. The key is narrower: an authority with a new key has two
 * series, both are in force, and a certificate in either is revoked.
 */
import type { RevocationOrigin } from '../../../types/revocation.js'
import type { Crl } from './crl.js'
import type { CrlScope } from '../../x509/distribution-point.js'
import type { Authority } from '../../x509/authorities.js'

/** A CRL whose signature was verified. */
export interface VerifiedCrl {
  readonly crl: Crl
  /** `spki` of the key that has signed it. */
  readonly signer: string
  /** Equal if and only if the CRL and its signer are the same. */
  readonly digest: string
  /** See `indexesOf`. */
  readonly issuerIndexes: ReadonlyMap<string, readonly number[]>
}

export interface SourcedCrl extends VerifiedCrl {
  readonly source: RevocationOrigin
  /** The pattern that names its file; undefined if it is from a source. */
  readonly pattern?: string
}

export interface Series {
  readonly issuer: string
  readonly scope: CrlScope
  readonly spki: string
  /** The certificates of the key that signed it. */
  readonly signers: readonly Authority[]
  /**
   * The keys whose certificates it covers, as far as is known: that of the signers if they sign certificates too, and those of
   * an authority of the same name that has certified them. Empty for a CRL signer that another authority has certified.
   */
  readonly keys: ReadonlySet<string>
  /** The newest one. One with a defect counts only if there is no other, a partial one only if all are partial. */
  readonly complete: SourcedCrl | undefined
  /** The newest delta CRL that builds on `complete` (RFC 5280 section 6.3.3 (c)). */
  readonly delta: SourcedCrl | undefined
  /**
   * Newer ones that only revoke: delta CRLs without their complete CRL, and CRLs with a defect. They add revocations and remove
   * none.
   */
  readonly additional: readonly SourcedCrl[]
}

/** Groups CRLs into series. CRLs of an issuer that is no authority belong to none. */
export function seriesOf (crls: Iterable<SourcedCrl>, signers: readonly Authority[]): Series[] {
  const groups = new Map<string, SourcedCrl[]>()
  for (const sourced of crls) {
    const key = seriesKeyOf(sourced)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sourced])
    else group.push(sourced)
  }
  const able = new Map<string, Authority[]>()
  for (const signer of signers) {
    if (!signer.signsCrls) continue
    const key = `${signer.identity.spki} ${signer.name}`
    able.set(key, [...able.get(key) ?? [], signer])
  }
  const found: Series[] = []
  for (const group of groups.values()) {
    const { crl: { issuer, scope }, signer: spki } = group[0] as SourcedCrl
    const own = able.get(`${spki} ${issuer}`)
    if (own === undefined) continue
    found.push({ issuer, scope, spki, signers: own, keys: certifiedKeys(own, issuer), ...partsOf(group) })
  }
  return found
}

/** The CRLs of a series that are in force. */
export function crlsOf ({ complete, delta, additional }: Series): SourcedCrl[] {
  return [complete, delta, ...additional].filter((part) => part !== undefined)
}

function certifiedKeys (signers: readonly Authority[], name: string): Set<string> {
  const keys = new Set<string>()
  for (const { identity, signsCertificates, issuers } of signers) {
    if (signsCertificates) keys.add(identity.spki)
    for (const issuer of issuers) if (issuer.name === name) keys.add(issuer.identity.spki)
  }
  return keys
}

function partsOf (group: readonly SourcedCrl[]): Pick<Series, 'complete' | 'delta' | 'additional'> {
  const completes = group.filter((sourced) => !isDelta(sourced))
  const best = Math.max(...completes.map(trustIn))
  const complete = newestOf(completes.filter((sourced) => trustIn(sourced) === best))
  const delta = newestOf(group.filter((sourced) => isSound(sourced) && buildsOn(sourced.crl, complete?.crl)))
  return { complete, delta, additional: notSuperseded(group.filter((sourced) => mayAdd(sourced, complete) && mayAdd(sourced, delta))) }
}

/** The CRLs that no other of these supersedes. */
function notSuperseded (all: readonly SourcedCrl[]): SourcedCrl[] {
  // Thousands of them must not hold the event loop. Beyond the limit all count, which revokes no less.
  const others = all.length <= MOST_COMPARED ? all : [...all].sort(newestFirst).slice(0, MOST_COMPARED)
  return all.filter((one) => !others.some((other) => supersedes(other, one)))
}

/** Only so many CRLs of a series are compared with all the others. */
const MOST_COMPARED = 64

function newestFirst (a: SourcedCrl, b: SourcedCrl): number {
  return Number(isNewer(b.crl, a.crl)) - Number(isNewer(a.crl, b.crl))
}

/**
 * Whether a CRL may list what another does not. It may if its number or its time is newer (they disagree after an authority was
 * restored from a backup), or if neither can be compared.
 */
function mayAdd (sourced: SourcedCrl, known: SourcedCrl | undefined): boolean {
  if (known === undefined) return true
  const isOlder = isNewer(known.crl, sourced.crl)
  if (sourced.digest === known.digest || (isDelta(sourced) && !isDelta(known) && isKnownToBeNoNewer(sourced.crl, known.crl))) return false
  return !isOlder || isLater(sourced.crl, known.crl)
}

/** Whether another CRL repeats all that a CRL lists. */
function supersedes (other: SourcedCrl, one: SourcedCrl): boolean {
  const { baseNumber } = other.crl
  const isWhole = !isDelta(other) || (baseNumber !== undefined && one.crl.baseNumber !== undefined && baseNumber <= one.crl.baseNumber)
  return isWhole && trustIn(other) >= trustIn(one) && isNewer(other.crl, one.crl) && !isLater(one.crl, other.crl)
}

/**
 * How far a CRL is understood: 0 partly, 1 with a defect, 2 in full. A CRL never replaces one that is understood
 * better.
 */
function trustIn ({ crl: { defect, isPartial } }: SourcedCrl): number {
  if (isPartial) return 0
  return defect === undefined ? 2 : 1
}

export function isSound ({ crl }: SourcedCrl): boolean {
  return crl.defect === undefined
}

export function isDelta ({ crl }: SourcedCrl): boolean {
  return crl.isDelta
}

/** Equal for two CRLs exactly if one can replace the other, or build on it. */
export function seriesKeyOf ({ crl: { issuer, scopeKey }, signer }: VerifiedCrl): string {
  return `${signer} ${scopeKey} ${issuer}`
}

/**
 * Whether a CRL is newer than another of its series: by number, else by thisUpdate. False where neither can be compared.
 */
export function isNewer (a: Pick<Crl, 'number' | 'thisUpdate'>, b: Pick<Crl, 'number' | 'thisUpdate'> | undefined): boolean {
  if (b === undefined) return true
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number) return a.number > b.number
  return isLater(a, b)
}

/** False where neither number nor time can be compared. */
function isKnownToBeNoNewer (a: Crl, b: Crl): boolean {
  const isKnown = (a.number !== undefined && b.number !== undefined) || (a.thisUpdate !== undefined && b.thisUpdate !== undefined)
  return isKnown && !isNewer(a, b)
}

/** By thisUpdate; false where one of them cannot be read. */
export function isLater (a: Pick<Crl, 'thisUpdate'>, b: Pick<Crl, 'thisUpdate'>): boolean {
  return (a.thisUpdate ?? NaN) > (b.thisUpdate ?? NaN)
}

function newestOf (crls: readonly SourcedCrl[]): SourcedCrl | undefined {
  let newest: SourcedCrl | undefined
  for (const sourced of crls) if (isNewer(sourced.crl, newest?.crl)) newest = sourced
  return newest
}

/** RFC 5280 section 6.3.3 (c). */
function buildsOn ({ baseNumber, number }: Crl, complete: Crl | undefined): boolean {
  if (baseNumber === undefined || number === undefined || complete?.number === undefined) return false
  return complete.number >= baseNumber && number > complete.number
}
