/** What a list says of a client's certificate, as the gate would. */
import type { X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import type { StatusVerdict } from '../../../types/command-line.js'
import { identifyCertificate } from '../../x509/identity.js'
import type { RevocationSet } from '../../revocation/set/revocation-set.js'
import type { Authorities } from '../../x509/authorities.js'
import { judgePaths, type PathStatus } from '../../tls/gate.js'
import { type CertificatePath, PathFinder } from '../../tls/path.js'
import { oneLineName } from '../../x509/title.js'
import { loadForReport } from './revocation.js'
import type { RevocationPolicy, RevocationStatus } from '../../../types/revocation.js'

/** id-kp-clientAuth, RFC 5280 section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** A list, and what it is asked under. */
export interface Judge {
  /** The string that names it. */
  readonly endpoint?: string
  readonly list: string
  /** None: then only the list speaks, and not whether the certificate is one of theirs. */
  readonly authorities: Authorities
  readonly policy: RevocationPolicy
}

/**
 * @param certificates the client's own first, each issued by the next one
 * @param now milliseconds since 1970
 */
export async function judge (
  certificates: readonly [X509Certificate, ...X509Certificate[]], { endpoint, authorities, policy, ...source }: Judge,
  now: number
): Promise<{ verdict: StatusVerdict, problems: readonly Error[] }> {
  const list = resolve(source.list)
  const { set, problems } = await loadForReport(list, authorities, now)
  const [leaf] = certificates
  const paths = pathsOf(certificates, authorities, now)
  const found = statusOf(certificates, paths, set, policy)
  const isGood = found.status.status === 'good'
  // What the policy lets pass is to be known all the same.
  const strict = statusOf(certificates, paths, set, { ...policy, unknownStatus: 'deny' })
  const told = isGood && strict.status.status === 'unknown' ? strict : found
  const isTrusted = authorities.all.length === 0 ? undefined : paths.length > 0
  const notAfter = paths.length === 0 ? Date.parse(leaf.validTo) : Math.max(...paths.map((path) => path.notAfter))
  const isExpired = notAfter < now || Date.parse(leaf.validFrom) > now
  const known = [...certificates, ...authorities.all.map(({ x509 }) => x509)]
  const isForClients = isForClient(leaf) && (paths.length === 0 || paths.some((path) => knownOf(path, known).every(isForClient)))
  return {
    problems,
    verdict: {
      ...(endpoint !== undefined && { endpoint }),
      list,
      status: told.status.status,
      accepted: isGood && isTrusted !== false && !isExpired && isForClients,
      isWhole: problems.length === 0,
      ...(isTrusted !== undefined && { isTrusted }),
      isExpired,
      isForClients,
      ...detailsOf(told, known, set, policy, now)
    }
  }
}

/** A status, and the path that it is about; without authorities there is none. */
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

/** Whether its extended key usage, or that there is none, allows clients; any purpose is none to OpenSSL. */
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
