/**
 * Warns of policies and CRLs that together reject everybody below an authority, when they are put in force. Otherwise the
 * first client would find out.
 *
 * It judges one certificate that does not exist for each issuing authority, with the distribution points that suit the CRLs
 * best. If that one is rejected, all are.
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
import { originPlace } from './set/origin.js'
import type { RevocationPolicy, RevocationStatus } from '../../types/revocation.js'

/** An effect of a policy that is hardly intended. */
interface PolicyWarning {
  readonly kind: 'unfit' | 'expiry'
  /** The argument of the policy. */
  readonly argument: 'unknownStatus' | 'expiredCrl'
  readonly message: string
  /** Whether the reason is that there is no CRL. */
  readonly isAbsence: boolean
}

/** A serial number that no CRL lists. */
const SERIAL = Buffer.from('7d0b6f2d41c8493ea5f07b19c2e6d83a5c94f1e0', 'hex')

/**
 * The warnings. With a thousand authorities they take some 50 ms, so they are found in slices.
 *
 * @param now milliseconds since 1970, by the clock of the set
 */
export async function warningsOfPolicy (set: RevocationSet, policy: RevocationPolicy, now: number): Promise<PolicyWarning[]> {
  const warnings: PolicyWarning[] = []
  if (policy.expiredCrl === 'deny') {
    for (const { crl, source } of set.crls.endless) {
      const what = `the CRL of ${visible(crl.issuerText)} in ${quotePath(originPlace(source))}`
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
  const admitting = new Set(judged.filter(({ outcomes }) => outcomes.some(isGood)).map(({ signer }) => issuerKey(signer)))
  // An authority that issues other authorities need not issue clients: its CRL may be about authorities only.
  const inUse = judged.filter(({ outcomes }) => outcomes.some(({ status }) => status.status !== 'revoked'))
  const issuing = new Set(inUse.flatMap(({ signer }) => signer.issuers.filter(({ name }) => name !== signer.name)))
  const reported = new Set<string>()
  for (const { signer, outcomes } of judged) {
    if (slices.over) await slices.next()
    if (admitting.has(issuerKey(signer))) continue
    const unknown = outcomes.find(({ status }) => status.status === 'unknown' && (status.index > 0 || !issuing.has(signer)))
    if (unknown === undefined) continue
    const { whom, issuer, doubt: { problem, remedy, isTime, isAbsence } } = describe(unknown, judging)
    if (reported.has(`${problem} ${issuer}`)) continue
    reported.add(`${problem} ${issuer}`)
    const argument = isTime ? 'expiredCrl' : 'unknownStatus'
    warnings.push({ kind: 'unfit', argument, message: `${problem}, so ${argument}=deny rejects ${whom}: ${remedy}`, isAbsence })
  }
  return warnings
}

interface Judging {
  readonly set: RevocationSet
  /** The authorities of the set, by their `tbs`. */
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

/** The index of the certificate in its path that fails. */
function indexOf ({ status }: Outcome): number {
  return status.status === 'good' ? Infinity : status.index
}

/** A client's own self-signed certificate may be among the authorities, and issues nothing. */
function mayIssue ({ signsCertificates, x509, isSelfSigned, keyId }: Authority): boolean {
  // A root of X.509 version 1 has no extension that makes it an authority.
  return signsCertificates && (x509.ca || !isSelfSigned || keyId === undefined)
}

/** The same for certificates with the same name and key: a path through one of them is enough. */
function issuerKey ({ name, identity }: Authority): string {
  return `${identity.spki} ${name}`
}

/** The outcomes for the certificates that an authority issues, one for each path. */
function outcomesOf (signer: Authority, { set, policy, now }: Judging): Outcome[] {
  return pathsAbove([clientOf(signer, [])], [signer]).map((path) => {
    const judge = (points: readonly DistributionPoint[]): Outcome => {
      const certificates = [clientOf(signer, points), ...path.certificates.slice(1)]
      return { path, status: set.judge({ ...path, certificates }, policy) }
    }
    const plain = judge([])
    if (isGood(plain)) return plain
    // The outcome that fails furthest up the path shows best what is missing.
    const [best] = [plain, ...pointsOfClient(signer, path, set.crls, now).map(judge)].toSorted((a, b) => indexOf(b) - indexOf(a))
    return best as Outcome
  })
}

/** The distribution points that such certificates may have: those of current CRLs, or of all. */
function pointsOfClient (signer: Authority, path: AuthorityPath, crls: CrlSet, now: number): DistributionPoint[][] {
  const { certificates: [client], anchor } = path
  const { subject } = client as IdentifiedCertificate
  const witnesses = crls.witnesses(subject, signer.identity.spki, anchor.tbs, now, true)
  return [witnesses.filter((witness) => isCurrent(witness, now)), witnesses].map((some) => pointsFor(some, signer.name))
}

/** A client's certificate as an authority might issue it. */
function clientOf ({ name: issuer }: Authority, points: readonly DistributionPoint[]): IdentifiedCertificate {
  return {
    tbs: '',
    serial: '',
    spki: '',
    der: SERIAL,
    subject: { bytes: SERIAL, serialStart: 0, serialEnd: SERIAL.length, issuer, isAuthority: false, points },
    names: { names: [], isLeaf: true }
  }
}

/** Which clients are rejected, because of which authority's CRL, and why. */
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
