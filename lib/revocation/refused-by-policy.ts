/**
 * Policies and CRLs that together refuse everybody below an authority: said when they are put in force, since
 * otherwise the first client finds it out.
 *
 * The verdict is asked about certificates that do not exist, one for each authority that issues some, and with the
 * distribution points that suit the CRLs best: what refuses these refuses all.
 */
import { visible, quotePath } from '../text/printable.js'
import { Slices } from '../turns.js'
import { oneLineName } from '../x509/title.js'
import type { CrlSet } from './crl/crl-set.js'
import type { DistributionPoint } from '../x509/distribution-point.js'
import { type Doubt, doubtOf, isCurrent, pointsFor } from './crl/proofs.js'
import { type Authorities, type Authority, type AuthorityPath, pathsAbove } from '../x509/authorities.js'
import type { IdentifiedCertificate } from '../x509/identity.js'
import type { RevocationSet } from './set/revocation-set.js'
import { placeOf } from './set/origin.js'
import type { RevocationPolicy, RevocationStatus } from '../../types/revocation.js'

/** What a policy does that is hardly meant. */
interface PolicyWarning {
  readonly kind: 'unfit' | 'expiry'
  /** The argument of the policy. */
  readonly argument: 'unknownStatus' | 'expiredCrl'
  readonly message: string
  /** Whether it is said because there is no CRL at all. */
  readonly isAbsence: boolean
}

/** A number that no CRL lists. */
const SERIAL = Buffer.from('7d0b6f2d41c8493ea5f07b19c2e6d83a5c94f1e0', 'hex')

/**
 * What is to be warned of. With a thousand authorities it takes some 50 ms, so it is done in slices.
 *
 * @param now milliseconds since 1970, by the clock of the set
 */
export async function warningsOfPolicy (set: RevocationSet, policy: RevocationPolicy, now: number): Promise<PolicyWarning[]> {
  const warnings: PolicyWarning[] = []
  if (policy.expiredCrl === 'deny') {
    for (const { crl, source } of set.crls.endless) {
      const what = `the CRL of ${visible(crl.issuerText)} in ${quotePath(placeOf(source))}`
      const message = `${what} has no nextUpdate, so it never expires under expiredCrl=deny: have it issued with one`
      warnings.push({ kind: 'expiry', argument: 'expiredCrl', message, isAbsence: false })
    }
  }
  if (!set.usesCrls || (policy.unknownStatus !== 'deny' && policy.expiredCrl !== 'deny')) return warnings
  const judging = { set, authorities: set.authorities, policy, now }
  const slices = new Slices()
  const judged: Array<{ signer: Authority, outcomes: Outcome[] }> = []
  for (const signer of set.authorities.all) {
    if (slices.over) await slices.next()
    if (mayIssue(signer)) judged.push({ signer, outcomes: outcomesOf(signer, judging) })
  }
  const admitting = new Set(judged.filter(({ outcomes }) => outcomes.some(isGood)).map(({ signer }) => keyOf(signer)))
  // One that issues authorities need not issue clients too: its CRL may be about authorities only.
  const inUse = judged.filter(({ outcomes }) => outcomes.some(({ status }) => status.status !== 'revoked'))
  const issuing = new Set(inUse.flatMap(({ signer }) => signer.issuers.filter(({ name }) => name !== signer.name)))
  const told = new Set<string>()
  for (const { signer, outcomes } of judged) {
    if (slices.over) await slices.next()
    if (admitting.has(keyOf(signer))) continue
    const unknown = outcomes.find(({ status }) => status.status === 'unknown' && (status.index > 0 || !issuing.has(signer)))
    if (unknown === undefined) continue
    const { whom, issuer, doubt: { problem, remedy, isTime, isAbsence } } = describe(unknown, judging)
    if (told.has(`${problem} ${issuer}`)) continue
    told.add(`${problem} ${issuer}`)
    const argument = isTime ? 'expiredCrl' : 'unknownStatus'
    warnings.push({ kind: 'unfit', argument, message: `${problem}, so ${argument}=deny refuses ${whom}: ${remedy}`, isAbsence })
  }
  return warnings
}

interface Judging {
  readonly set: RevocationSet
  /** Its authorities, by their `tbs`. */
  readonly authorities: Authorities
  readonly policy: RevocationPolicy
  readonly now: number
}

interface Outcome {
  readonly path: AuthorityPath
  readonly status: RevocationStatus
}

function isGood ({ status }: Outcome): boolean {
  return status.status === 'good'
}

/** Which certificate of its path it fails at. */
function indexOf ({ status }: Outcome): number {
  return status.status === 'good' ? Infinity : status.index
}

/** A client's own certificate among the authorities may be self-signed, and issues nothing. */
function mayIssue ({ signsCertificates, x509, isSelfSigned, keyId }: Authority): boolean {
  // A root of version 1 does not say that it is an authority.
  return signsCertificates && (x509.ca || !isSelfSigned || keyId === undefined)
}

/** The same for certificates of the same authority and key: what one of them leads to an anchor is good. */
function keyOf ({ name, identity }: Authority): string {
  return `${identity.spki} ${name}`
}

/** What becomes of those that an authority issues, on each path. */
function outcomesOf (signer: Authority, { set, policy, now }: Judging): Outcome[] {
  return pathsAbove([clientOf(signer, [])], [signer]).map((path) => {
    const judge = (points: readonly DistributionPoint[]): Outcome => {
      const certificates = [clientOf(signer, points), ...path.certificates.slice(1)]
      return { path, status: set.judge({ ...path, certificates }, policy) }
    }
    const plain = judge([])
    if (isGood(plain)) return plain
    // The one of which most was good says best what is missing.
    const [best] = [plain, ...pointsOfClient(signer, path, set.crls, now).map(judge)].toSorted((a, b) => indexOf(b) - indexOf(a))
    return best as Outcome
  })
}

/** The points that those may name: of CRLs that are current, or of all. */
function pointsOfClient (signer: Authority, { certificates: [client], anchor }: AuthorityPath, crls: CrlSet, now: number): DistributionPoint[][] {
  const { subject } = client as IdentifiedCertificate
  const witnesses = crls.witnesses(subject, signer.identity.spki, anchor.tbs, now, true)
  return [witnesses.filter((witness) => isCurrent(witness, now)), witnesses].map((some) => pointsFor(some, signer.name))
}

/** A certificate of a client that an authority has issued. */
function clientOf ({ name: issuer }: Authority, points: readonly DistributionPoint[]): IdentifiedCertificate {
  return {
    tbs: '',
    serial: '',
    spki: '',
    der: SERIAL,
    subject: { bytes: SERIAL, serialStart: 0, serialEnd: SERIAL.length, issuer, isAuthority: false, points }
  }
}

/** Who is refused, because of which authority's CRL, and why. */
function describe (outcome: Outcome, { set, authorities, policy, now }: Judging): { whom: string, issuer: string, doubt: Doubt } {
  const { certificates, anchor } = outcome.path
  const index = indexOf(outcome)
  const known = (certificate: IdentifiedCertificate): string => visible(oneLineName(authorities.find(certificate)?.x509.subject))
  const certificate = certificates[index] as IdentifiedCertificate
  const issuer = certificates[index + 1] ?? anchor as IdentifiedCertificate
  const witnesses = set.crls.witnesses(certificate.subject, issuer.spki, anchor.tbs, now, index === 0)
  const isExpiredDenied = policy.expiredCrl === 'deny'
  return {
    whom: index === 0 ? `every client of ${known(issuer)}` : `everybody below ${known(certificate)}`,
    issuer: issuer.tbs,
    doubt: doubtOf(witnesses, { certificate: certificate.subject, issuer: known(issuer), now, isExpiredDenied })
  }
}
