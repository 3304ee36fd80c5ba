/**
 * CRLs that replace one another: those of one signing key, one issuer's name and one scope.
 *
 * RFC 5280 section 6.3.3 asks for one anchor instead of one key. The key is narrower: an authority that
 * got a new one is two series then, both in force, and whoever stands in either is revoked.
 */
import type { RevocationSource } from '../revocation-set.js'
import type { Crl } from './crl.js'
import type { CrlScope } from './distribution-point.js'
import type { Signer } from './signers.js'

/** A CRL whose signature was verified. */
export interface VerifiedCrl {
  readonly crl: Crl
  /** `spki` of the key that has signed it. */
  readonly signer: string
  /** The same for two of them exactly if they are the same. */
  readonly digest: string
  /** The issuers of `crl`, with their indexes. */
  readonly issuerIndexes: ReadonlyMap<string, number>
}

export interface SourcedCrl extends VerifiedCrl {
  readonly source: RevocationSource
}

export interface Series {
  readonly issuer: string
  readonly scope: CrlScope
  readonly spki: string
  /** The certificates of the key that signed it. */
  readonly signers: readonly Signer[]
  /** Whether one of them signs certificates too. */
  readonly signsCertificates: boolean
  readonly complete: SourcedCrl | undefined
  /** The newest delta CRL that builds on `complete` (RFC 5280 section 6.3.3 (c)). */
  readonly delta: SourcedCrl | undefined
  /** The newest delta CRL, where the complete CRL that it builds on is not there. */
  readonly strayDelta: SourcedCrl | undefined
}

/** The series that CRLs form. Those of an issuer that is none of the authorities belong to none. */
export function seriesOf (crls: Iterable<SourcedCrl>, signers: readonly Signer[]): Series[] {
  const groups = new Map<string, SourcedCrl[]>()
  for (const sourced of crls) {
    const key = seriesKeyOf(sourced)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sourced])
    else group.push(sourced)
  }
  const found: Series[] = []
  for (const group of groups.values()) {
    const { crl: { issuer, scope }, signer: spki } = group[0] as SourcedCrl
    const own = signers.filter((signer) => signer.signsCrls && signer.name === issuer && signer.identity.spki === spki)
    if (own.length === 0) continue
    const complete = newestOf(group.filter(({ crl }) => crl.baseNumber === undefined))
    const deltas = group.filter(({ crl }) => crl.baseNumber !== undefined && isNewer(crl, complete?.crl))
    const delta = newestOf(deltas.filter(({ crl }) => buildsOn(crl, complete?.crl)))
    const stray = newestOf(deltas.filter(({ crl }) => !buildsOn(crl, complete?.crl)))
    found.push({
      issuer,
      scope,
      spki,
      signers: own,
      signsCertificates: own.some(({ signsCertificates }) => signsCertificates),
      complete,
      delta,
      strayDelta: stray !== undefined && isNewer(stray.crl, delta?.crl) ? stray : undefined
    })
  }
  return found
}

/** The same for two CRLs exactly if one can replace the other, or build on it. */
export function seriesKeyOf ({ crl: { issuer, scopeKey }, signer }: VerifiedCrl): string {
  return `${signer} ${scopeKey} ${issuer}`
}

/** Whether a CRL is newer than another of its series: by its number, and by thisUpdate where that does not tell. */
export function isNewer (a: Crl, b: Crl | undefined): boolean {
  if (b === undefined) return true
  if (a.number !== undefined && b.number !== undefined && a.number !== b.number) return a.number > b.number
  return a.thisUpdate > b.thisUpdate
}

function newestOf (crls: readonly SourcedCrl[]): SourcedCrl | undefined {
  let newest: SourcedCrl | undefined
  for (const sourced of crls) if (isNewer(sourced.crl, newest?.crl)) newest = sourced
  return newest
}

function buildsOn ({ baseNumber }: Crl, complete: Crl | undefined): boolean {
  return baseNumber !== undefined && complete?.number !== undefined && complete.number >= baseNumber
}
