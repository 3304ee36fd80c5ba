/** Judges a client's certificate by the lists of an endpoint, as the gate would. */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import type { StatusAllowed, StatusVerdict } from '../../../types/command-line.js'
import { identifyCertificate } from '../../x509/identity.js'
import type { RevocationSet } from '../../revocation/set/revocation-set.js'
import type { Authorities } from '../../x509/authorities.js'
import { judgePaths, type PathStatus } from '../../tls/gate.js'
import { type CertificatePath, PathFinder } from '../../tls/path.js'
import { oneLineName } from '../../x509/title.js'
import { nothingLoaded } from '../../revocation/load.js'
import { matchAllowed, readAllowedList } from './allowed-list.js'
import { loadForReport } from './revocation.js'
import type { RevocationPolicy, RevocationStatus } from '../../../types/revocation.js'

/** id-kp-clientAuth, RFC 5280 section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** The lists that judge a client: those of an endpoint, or one list alone. */
export interface Judge {
  /** The string that names the lists. */
  readonly endpoint?: string
  /** The revocation list. */
  readonly list?: string | undefined
  readonly allowedFile?: string | undefined
  /** May be empty: then the verdict does not say whether the certificate was issued by one of them. */
  readonly authorities: Authorities
  readonly policy: RevocationPolicy
}

export interface Judgement {
  readonly verdict: StatusVerdict
  readonly problems: readonly Error[]
  /** Whether everything that can change the verdict could be read. */
  readonly isCertain: boolean
}

/**
 * Judges a client as the gate does.
 *
 * @param certificates the client's own first, each issued by the next one
 * @param now milliseconds since 1970
 */
export async function judge (
  certificates: readonly [X509Certificate, ...X509Certificate[]], { endpoint, authorities, policy, ...files }: Judge, now: number
): Promise<Judgement> {
  const list = files.list === undefined ? undefined : resolve(files.list)
  const { set, problems } = list === undefined ? nothingLoaded(authorities) : await loadForReport(list, authorities, now)
  const [leaf] = certificates
  const paths = pathsOf(certificates, authorities, now)
  const found = statusOf(certificates, paths, set, policy)
  const isGood = found.status.status === 'good'
  // The report says that no CRL covers a certificate even if the policy admits the client.
  const strict = statusOf(certificates, paths, set, { ...policy, unknownStatus: 'deny' })
  const shown = isGood && strict.status.status === 'unknown' ? strict : found
  const isTrusted = authorities.all.length === 0 ? undefined : paths.length > 0
  const candidates = candidatesOf(leaf, paths, set, policy)
  const match = files.allowedFile === undefined ? undefined : await matchFile(files.allowedFile, leaf, candidates)
  const counting = match === undefined || match.allowed.length === 0 ? candidates : match.allowed
  const isExpired = Math.max(...counting.map(({ path }) => path.notAfter)) < now || Date.parse(leaf.validFrom) > now
  const known = [...certificates, ...authorities.all.map(({ x509 }) => x509)]
  const isForClients = isForClient(leaf) && counting.some(({ path }) => knownOf(path, known).every(isForClient))
  const isAdmitted = isGood && isTrusted !== false && !isExpired && isForClients
  const isUncertain = match?.problem !== undefined || (problems.length > 0 && match?.report.isAllowed !== false)
  return {
    problems: [...problems, ...match?.problem === undefined ? [] : [match.problem]],
    isCertain: !isAdmitted || !isUncertain,
    verdict: {
      ...(endpoint !== undefined && { endpoint }),
      ...(list !== undefined && { list }),
      ...(match !== undefined && { allowed: match.report }),
      status: shown.status.status,
      accepted: isAdmitted && (match === undefined || match.report.isAllowed === true),
      isWhole: problems.length === 0,
      ...(isTrusted !== undefined && { isTrusted }),
      isExpired,
      isForClients,
      ...detailsOf(shown, known, set, policy, now)
    }
  }
}

/**
 * The paths that are not revoked. The gate asks no allowed list if there is none; then the report is about all paths, or about
 * the client's own certificate.
 */
function candidatesOf (
  leaf: X509Certificate, paths: readonly CertificatePath[], set: RevocationSet, policy: RevocationPolicy
): readonly PathStatus[] {
  const { admitting } = judgePaths(paths, set, policy)
  if (admitting.length > 0) return admitting
  const certificates = [identifyCertificate(leaf.raw)]
  const notAfter = Date.parse(leaf.validTo)
  const alone = { certificates, anchor: undefined, sentIntermediates: [], authorities: [], isSufficient: true, notAfter }
  return (paths.length > 0 ? paths : [alone]).map((path) => ({ path, status: { status: 'good' } }))
}

interface FileMatch {
  readonly report: StatusAllowed
  readonly allowed: readonly PathStatus[]
  readonly problem?: Error
}

async function matchFile (file: string, leaf: X509Certificate, candidates: readonly PathStatus[]): Promise<FileMatch> {
  try {
    return matchAllowed(identifyCertificate(leaf.raw), candidates, await readAllowedList(file))
  } catch (thrown) {
    return { report: { list: resolve(file), roles: [], rules: [] }, allowed: [], problem: thrown as Error }
  }
}

/** A status, and the path that it applies to; without authorities there is no path. */
type Found = Pick<PathStatus, 'status'> & { readonly path?: CertificatePath }

function statusOf (
  certificates: readonly X509Certificate[], paths: readonly CertificatePath[], set: RevocationSet,
  policy: RevocationPolicy
): Found {
  if (paths.length === 0) return { status: set.status(certificates, policy) }
  const { admitting: [good], refused } = judgePaths(paths, set, policy)
  return good ?? refused as PathStatus
}

/** All paths to an authority, found as for a client that sends what the file holds. */
function pathsOf (
  certificates: readonly [X509Certificate, ...X509Certificate[]], authorities: Authorities, now: number
): CertificatePath[] {
  const [leaf, ...sent] = certificates
  return new PathFinder(authorities, () => now).find(
    leaf, identifyCertificate(leaf.raw), sent.map((x509) => ({ x509, identity: identifyCertificate(x509.raw) })), true
  )
}

/** Whether its extended key usage, or the lack of one, allows clients. OpenSSL does not accept anyExtendedKeyUsage for that. */
function isForClient ({ keyUsage: purposes }: X509Certificate): boolean {
  return purposes === undefined || purposes.includes(CLIENT_AUTH)
}

/** The certificates of a path, its anchor among them. */
function knownOf ({ certificates, anchor }: CertificatePath, known: readonly X509Certificate[]): X509Certificate[] {
  const named = new Set([...certificates, ...anchor === undefined ? [] : [anchor]].map(({ tbs }) => tbs))
  return known.filter(({ raw }) => named.has(identifyCertificate(raw).tbs))
}

function detailsOf (
  { status, path }: Found, known: readonly X509Certificate[], set: RevocationSet, policy: RevocationPolicy, now: number
): Partial<StatusVerdict> {
  if (status.status === 'good') return {}
  const { index } = status
  const tbs = path?.certificates[index]?.tbs
  const certificate = tbs === undefined ? known[index] : known.find(({ raw }) => identifyCertificate(raw).tbs === tbs)
  const where = { index, ...(certificate !== undefined && { subject: oneLineName(certificate.subject) }) }
  if (status.status === 'unknown') return where
  const { kind, source: { line, file, source }, reason, revokedAt } = status
  return {
    ...where,
    kind,
    ...(line !== undefined && { line }),
    ...(file !== undefined && { file }),
    ...(source !== undefined && { source }),
    ...(reason !== undefined && { reason }),
    ...(revokedAt !== undefined && { revokedAt: revokedAt.toISOString() }),
    ...crlOf(status, path, set, policy, now)
  }
}

function crlOf (
  { kind, index }: Extract<RevocationStatus, { status: 'revoked' }>, path: CertificatePath | undefined,
  { crls }: RevocationSet, policy: RevocationPolicy, now: number
): Pick<StatusVerdict, 'crl'> {
  const certificate = path?.certificates[index]
  const anchor = path?.anchor
  if (kind !== 'crl' || path === undefined || certificate === undefined || anchor === undefined) return {}
  const issuer = (path.certificates[index + 1] ?? anchor).spki
  const entry = crls.find(certificate.subject, issuer, anchor.tbs, { now, ...policy })
  if (entry === undefined) return {}
  const { issuerText, number } = entry.crl
  return { crl: { issuer: issuerText, ...(number !== undefined && { number: String(number) }) } }
}
