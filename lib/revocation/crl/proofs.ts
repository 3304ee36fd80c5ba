/**
 * Explains why CRLs prove a certificate good or not, for the warnings about policies that refuse everybody. The verdict itself
 * is `CrlSet.coverage`.
 */
import { quotePath } from '../../text/printable.js'
import { originPlace } from '../set/origin.js'
import { ALL_REASONS, type CrlScope, type DistributionPoint } from '../../x509/distribution-point.js'
import type { Series, SourcedCrl } from './series.js'
import type { CrlSubject } from '../../x509/subject.js'

/** A series that may prove certificates of an issuer good. */
export interface Witness {
  readonly series: Series
  /** Whether it covers certificates of that issuer's key below that anchor. */
  readonly isAbout: boolean
  /** When it proves anything, in milliseconds since 1970; undefined if never. */
  readonly validity: { readonly from: number, readonly until: number } | undefined
  /** The reasons for which it covers the certificate, if it proves anything. */
  readonly reasons: number
}

/** Why CRLs prove nothing, and what to do. */
export interface Doubt {
  readonly problem: string
  readonly remedy: string
  /** Whether only the time is the problem, which matters only with `expiredCrl=deny`. */
  readonly isTime: boolean
  /** Whether there is no CRL at all. */
  readonly isAbsence: boolean
}

/** A distribution point with which a certificate of an issuer is covered by a series. */
export function pointOf ({ issuer, scope: { names } }: Series, certificateIssuer: string): DistributionPoint {
  return {
    ...(names !== undefined && { names }),
    reasons: ALL_REASONS,
    ...(issuer !== certificateIssuer && { crlIssuers: [issuer] })
  }
}

/** The smallest set of points with which these witnesses cover as many reasons as they can. */
export function pointsFor (witnesses: readonly Witness[], certificateIssuer: string): DistributionPoint[] {
  const points: DistributionPoint[] = []
  let covered = 0
  for (const { series, reasons, validity, isAbout } of witnesses) {
    if (!isAbout || validity === undefined || (reasons & ~covered) === 0) continue
    covered |= reasons
    points.push(pointOf(series, certificateIssuer))
  }
  return points
}

/** Whether a witness proves something at a time. */
export function isCurrent ({ validity }: Witness, now: number): boolean {
  return validity !== undefined && now >= validity.from && now <= validity.until
}

interface DoubtContext {
  readonly certificate: CrlSubject
  /** The name of its issuer, for messages. */
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly now: number
  /** Whether a CRL that has expired proves nothing. */
  readonly isExpiredDenied: boolean
}

/** Why no CRL proves a certificate good: the problem of the CRL that comes closest to a proof. */
export function doubtOf (witnesses: readonly Witness[], doubted: DoubtContext): Doubt {
  const [nearest] = witnesses.map((witness) => doubtOfWitness(witness, doubted)).toSorted((a, b) => b.nearness - a.nearness)
  return nearest ?? { problem: `no CRL of ${doubted.issuer} is in force`, remedy: 'add its CRL', isTime: false, isAbsence: true }
}

/** @returns also how close it comes to a proof */
function doubtOfWitness (witness: Witness, { certificate, issuer, now, isExpiredDenied }: DoubtContext): Doubt & { nearness: number } {
  const { series: { complete, additional, scope }, isAbout, validity, reasons } = witness
  const file = quotePath(originPlace((complete ?? additional[0] as SourcedCrl).source))
  const doubt = (nearness: number, problem: string, remedy: string, isTime = false): Doubt & { nearness: number } => {
    return { nearness, problem: `the CRL of ${issuer} in ${file} ${problem}`, remedy, isTime, isAbsence: false }
  }
  if (!isAbout) return doubt(0, 'comes from another authority of the same name', 'add the CRL that the issuing authority signed')
  if (reasons === 0) return doubt(1, restrictionOf(scope, certificate), 'add one that covers the others')
  if (complete === undefined) return doubt(2, 'is a delta CRL without its complete CRL', 'add the complete CRL')
  const { defect, nextUpdate = Infinity } = complete.crl
  if (defect !== undefined) return doubt(3, `proves nothing, because ${defect}`, 'publish one without this defect')
  if (validity === undefined) return doubt(4, 'is signed by a revoked certificate', 'have it signed by one that is not revoked')
  if (!isExpiredDenied || isCurrent(witness, now)) {
    return doubt(5, 'does not cover all reasons (onlySomeReasons)', 'add one that covers the others')
  }
  if (now < validity.from) {
    return doubt(6, `is not valid before ${new Date(validity.from).toISOString()}`, 'check the clock', true)
  }
  if (nextUpdate < now) return doubt(6, 'has expired', 'publish a newer one', true)
  return doubt(6, 'is signed by a certificate that has expired', 'renew that certificate', true)
}

function restrictionOf (scope: CrlScope, { isAuthority }: CrlSubject): string {
  if (scope.onlyAttributeCertificates) return 'covers attribute certificates only (onlyContainsAttributeCerts)'
  if (scope.onlyAuthorityCertificates && !isAuthority) return 'covers authorities only (onlyContainsCACerts)'
  if (scope.onlyUserCertificates && isAuthority) return 'covers clients only (onlyContainsUserCerts)'
  return 'covers another distribution point than the certificate names'
}
