/**
 * Where authorities say that CRLs are to be had: in their own certificates, and in the CRLs that they have signed.
 *
 * Nothing that a client sends is looked at: whoever comes with a certificate would choose what this process asks for.
 */
import { certificateExtensions, readCertificate } from '../../../x509/der.js'
import { CRL_DISTRIBUTION_POINTS, FRESHEST_CRL } from '../../../x509/oids.js'
import { type DistributionPoint, readDistributionPoints, uriOf } from '../../../x509/distribution-point.js'
import type { VerifiedCrl } from '../../crl/series.js'
import type { Authority, ReachedAnchors } from '../../../x509/authorities.js'
import { nameKey } from '../../../x509/name.js'

/** One place, by whatever addresses. */
export interface NamedPoint {
  /** URLs of http and https, each as good as the others; at least one. */
  readonly addresses: readonly string[]
  readonly holds: Holding
  /** Whether it is where a CRL that names it comes from itself, by all that is known. */
  readonly isOwn: boolean
}

/** What a point is there for: CRLs of these issuers (keys of their names), under one of these anchors (their `tbs`). */
export interface Holding {
  readonly issuers: ReadonlySet<string>
  readonly anchors: ReadonlySet<string>
}

export interface NamedPoints {
  readonly points: readonly NamedPoint[]
  /** Why others are left out. */
  readonly others: readonly string[]
}

/** Those of one point that are tried: a start must have time for all of them. */
const MOST_ADDRESSES = 3
const LONGEST_ADDRESS = 2048

/**
 * What the certificate of an authority names: the CRLs that it would stand in itself (RFC 5280 section 4.2.1.13), and
 * delta CRLs to them (section 4.2.1.15).
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

/** What a CRL names: where it is to be had itself, as its issuingDistributionPoint says, and where its delta CRLs are. */
export function pointsOfCrl ({ crl: { issuer, scope, freshest }, signer }: VerifiedCrl, anchors: ReachedAnchors): NamedPoints {
  const reached = new Set<string>()
  for (const [{ identity }, found] of anchors) {
    if (identity.spki === signer) for (const anchor of found.keys()) reached.add(anchor)
  }
  // Of its own CRLs alone: no other authority has asked it to say where theirs are.
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
 * Points of the same reasons and issuers are as good as each other: RFC 5280 section 6.3.3 asks no more of them when
 * one has told of all reasons.
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

function pointsNaming (points: readonly DistributionPoint[], issuers: readonly string[], anchors: ReadonlySet<string>, isOwn: boolean): NamedPoints {
  const found: NamedPoint[] = []
  const others: string[] = []
  // Nothing that is signed below it would count.
  if (anchors.size === 0) return NONE
  for (const { names = [], crlIssuers = [] } of points) {
    const uris = names.map(uriOf).filter((uri) => uri !== undefined)
    const addresses = [...new Set(uris.map(addressOf).filter((address) => address !== undefined))]
    if (addresses.length > 0) found.push({ addresses: addresses.slice(0, MOST_ADDRESSES), holds: { issuers: new Set([...issuers, ...crlIssuers]), anchors }, isOwn })
    else others.push(whyNot(uris))
  }
  return { points: found, others }
}

/** A URI as it is asked for; undefined if it is not. */
function addressOf (uri: string): string | undefined {
  if (uri.length > LONGEST_ADDRESS || !URL.canParse(uri)) return undefined
  const url = new URL(uri)
  url.hash = ''
  // As a line must have it.
  url.pathname = url.pathname.replaceAll('@', '%40')
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined
}

function whyNot (uris: readonly string[]): string {
  const schemes = new Set(uris.map((uri) => /^([a-z][a-z0-9+.-]{0,20}):/i.exec(uri)?.[1]?.toLowerCase()))
  if (uris.length === 0) return 'a point without an address'
  return [...schemes].some((scheme) => scheme === undefined || scheme === 'http' || scheme === 'https') ? 'an address that is none' : `an address of ${[...schemes].join(', ')}`
}
