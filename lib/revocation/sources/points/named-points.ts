/**
 * The distribution points that authorities name, in their own certificates and in the CRLs that they have signed.
 *
 * Certificates of clients are not used: a client would choose what this process requests.
 */
import { certificateExtensions, readCertificate } from '../../../x509/der.js'
import { CRL_DISTRIBUTION_POINTS, FRESHEST_CRL } from '../../../x509/oids.js'
import { type DistributionPoint, readDistributionPoints, uriOf } from '../../../x509/distribution-point.js'
import type { VerifiedCrl } from '../../crl/series.js'
import type { Authority, ReachedAnchors } from '../../../x509/authorities.js'
import { nameKey } from '../../../x509/name.js'

/** One distribution point with all its addresses. */
export interface NamedPoint {
  /** Equivalent URLs of http and https; at least one. */
  readonly addresses: readonly string[]
  readonly holding: Holding
  /** Whether the CRL that names it says that it was published there itself. */
  readonly isOwn: boolean
}

/** The CRLs that a point may hold: of these issuers (keys of their names) below one of these anchors (their `tbs`). */
export interface Holding {
  readonly issuers: ReadonlySet<string>
  readonly anchors: ReadonlySet<string>
}

export interface NamedPoints {
  readonly points: readonly NamedPoint[]
  /** Why other points are ignored. */
  readonly others: readonly string[]
}

/** Addresses of one point that are tried: a start must have time for all of them. */
const MOST_ADDRESSES = 3
const LONGEST_ADDRESS = 2048

/**
 * The points in the certificate of an authority: of the CRLs that may list it (RFC 5280 section 4.2.1.13), and of their delta
 * CRLs (section 4.2.1.15).
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function pointsOfAuthority (signer: Authority, anchors: ReachedAnchors): NamedPoints {
  const { x509: { raw }, name } = signer
  const layout = readCertificate(raw)
  const issuer = nameKey(raw, layout.issuer)
  const points: DistributionPoint[] = []
  for (const { id, value } of certificateExtensions(raw, layout)) {
    if (id === CRL_DISTRIBUTION_POINTS || id === FRESHEST_CRL) points.push(...mergePoints(readDistributionPoints(raw, value, issuer)))
  }
  return pointsNaming(points, [issuer, name], new Set(anchors.get(signer)?.keys()), false)
}

/** The points in a CRL: its own (issuingDistributionPoint), and those of its delta CRLs (freshestCRL). */
export function pointsOfCrl ({ crl: { issuer, scope, freshest }, signer }: VerifiedCrl, anchors: ReachedAnchors): NamedPoints {
  const reached = new Set<string>()
  for (const [{ identity }, found] of anchors) {
    if (identity.spki === signer) for (const anchor of found.keys()) reached.add(anchor)
  }
  // For its own CRLs only: it does not decide about those of other authorities.
  const own = scope.names === undefined ? NONE : pointsNaming([{ names: scope.names, reasons: scope.reasons }], [issuer], reached, true)
  const deltas = pointsNaming(mergePoints(freshest).map(({ names = [], reasons }) => ({ names, reasons })), [issuer], reached, false)
  return { points: [...own.points, ...deltas.points], others: deltas.others }
}

const NONE: NamedPoints = { points: [], others: [] }

/** Whether a point may hold a CRL. */
export function mayHold (holdings: readonly Holding[], { crl: { issuer }, signer }: VerifiedCrl, anchors: ReachedAnchors): boolean {
  return holdings.some((holding) => holding.issuers.has(issuer) && [...anchors].some(([{ identity }, reached]) => {
    return identity.spki === signer && [...reached.keys()].some((anchor) => holding.anchors.has(anchor))
  }))
}

/**
 * Merges points with the same reasons and issuers. One of them is enough: RFC 5280 section 6.3.3 stops when all reasons are
 * covered.
 */
function mergePoints (points: readonly DistributionPoint[]): DistributionPoint[] {
  const groups = new Map<string, DistributionPoint>()
  for (const point of points) {
    const key = JSON.stringify([point.reasons, point.crlIssuers])
    const names = [...groups.get(key)?.names ?? [], ...point.names ?? []]
    groups.set(key, { ...point, names })
  }
  return [...groups.values()]
}

function pointsNaming (
  points: readonly DistributionPoint[],
  issuers: readonly string[],
  anchors: ReadonlySet<string>,
  isOwn: boolean
): NamedPoints {
  const found: NamedPoint[] = []
  const others: string[] = []
  // Without an anchor none of its CRLs would count.
  if (anchors.size === 0) return NONE
  for (const { names = [], crlIssuers = [] } of points) {
    const uris = names.map(uriOf).filter((uri) => uri !== undefined)
    const addresses = [...new Set(uris.map(addressOf).filter((address) => address !== undefined))]
    const holding = { issuers: new Set([...issuers, ...crlIssuers]), anchors }
    if (addresses.length > 0) found.push({ addresses: addresses.slice(0, MOST_ADDRESSES), holding, isOwn })
    else others.push(whyNot(uris))
  }
  return { points: found, others }
}

/** The URL to request; undefined for other URIs. */
function addressOf (uri: string): string | undefined {
  if (uri.length > LONGEST_ADDRESS || !URL.canParse(uri)) return undefined
  const url = new URL(uri)
  url.hash = ''
  // Escaped as in a line of the list.
  url.pathname = url.pathname.replaceAll('@', '%40')
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
}

function whyNot (uris: readonly string[]): string {
  const schemes = new Set(uris.map((uri) => /^([a-z][a-z0-9+.-]{0,20}):/i.exec(uri)?.[1]?.toLowerCase()))
  if (uris.length === 0) return 'a point without an address'
  const isInvalid = [...schemes].some((scheme) => scheme === undefined || scheme === 'http' || scheme === 'https')
  return isInvalid ? 'an invalid address' : `an address of ${[...schemes].join(', ')}`
}
