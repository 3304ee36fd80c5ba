/**
 * Finds the paths from a client's certificate to a trust anchor.
 *
 * OpenSSL has already accepted one path, but does not say which. A revoked certificate spoils every path through it, so the
 * gate must know all paths that the authorities and the client's chain can form. Links are proved by signature: with names
 * alone, a client could send a self-made twin of the revoked certificate that issued its own.
 *
 * This does not replace OpenSSL's verification: its verdict is required, and a client for which no path is found here is
 * refused. Where OpenSSL's path may be the revoked one, another path counts only if its issuers are valid authorities
 * (basicConstraints, keyUsage, path lengths), strong enough, and limit nothing that only OpenSSL can check. The same
 * applies to an open connection whose anchor is renewed: OpenSSL does not verify it again.
 */
import type { X509Certificate } from 'node:crypto'
import { readCertificate, readElement, VERSION } from '../x509/der.js'
import { identifyCertificate, type IdentifiedCertificate } from '../x509/identity.js'
import { isSignedBy } from '../x509/public-key.js'
import { isStrong, securityLevelOf } from '../x509/strength.js'
import type { Authorities, Authority } from '../x509/authorities.js'
import { readConstraints } from './constraints.js'

/** A path from a client's certificate to a trust anchor. */
export interface CertificatePath {
  /**
   * The client's own certificate first, without the anchor. An anchor cannot be revoked, only removed from the authorities.
   */
  readonly certificates: readonly IdentifiedCertificate[]
  /** Undefined where only the client's own certificate is known. */
  readonly anchor: IdentifiedCertificate | undefined
  /** The intermediates that are not among the authorities. */
  readonly sentIntermediates: readonly Intermediate[]
  /** The `tbs` of the authorities on it, the anchor last. The path holds only as long as all are in force. */
  readonly authorities: readonly string[]
  /**
   * Whether it counts where another path is revoked, which may be the one that OpenSSL has accepted. It does if no authority
   * on it is too weak for the security level or limits names, policies or purposes, which only OpenSSL checks.
   */
  readonly isSufficient: boolean
  /** When the first certificate of the path expires, the anchor's included; milliseconds since 1970. */
  readonly notAfter: number
}

/** Signatures verified in one handshake; RSA-4096 takes 100 µs each. */
const MAX_SIGNATURE_CHECKS = 32
/** The longest path. */
const MAX_DEPTH = 16
/** Failing signatures of a client's chain: in an honest chain none fails. */
const MAX_FAILED_CHECKS = 4
/** Steps of the search: a mesh of cross-signed CAs could take exponential time even with all signatures cached. */
const MAX_STEPS = 256
/** Paths that are kept for later reloads. */
const MAX_PATHS = 8
/** Remembered verified links; each takes about 200 bytes. */
const MAX_CACHED_LINKS = 10_000

/** A certificate between a client's own and an authority. */
export type Intermediate = Pick<Authority, 'x509' | 'identity'>

/** Authorities have `isAnchor`, true or false; intermediates that a client sent have not. */
type Candidate = Intermediate & Partial<Pick<Authority, 'isAnchor' | 'isSelfSigned'>>

/** The part of `Authorities` that the search needs. */
export interface SearchedAuthorities extends Pick<Authorities, 'digest'> {
  readonly all: ReadonlyArray<Intermediate & Pick<Authority, 'isAnchor' | 'isSelfSigned'>>
}

/** The search for paths with one set of authorities, and a cache of verified links. */
export class PathFinder {
  readonly #authorities: SearchedAuthorities
  readonly #now: () => number
  readonly #authorityKeys: ReadonlySet<string>
  readonly #anchors: ReadonlySet<string>
  /**
   * Pairs of a TBSCertificate and the authority that has signed it. That stays true whatever signature a client sends with it
   * later. Failures are not remembered: with a broken signature one client could spoil the link for all.
   */
  readonly #links: Set<string>
  readonly #mostLinks: number
  readonly #securityLevel: number
  /** The `tbs` of previous anchors, and of the anchors that renew them. */
  readonly #renewals = new Map<string, readonly string[]>()

  /**
   * @param now the clock, in milliseconds since 1970
   * @param securityLevel that of OpenSSL; see `securityLevelOf`
   * @param mostLinks how many verified links are remembered
   * @param links those of the previous search
   */
  constructor (
    authorities: SearchedAuthorities,
    now: () => number,
    securityLevel = securityLevelOf(),
    mostLinks = MAX_CACHED_LINKS,
    links = new Set<string>()
  ) {
    this.#securityLevel = securityLevel
    this.#mostLinks = mostLinks
    this.#links = links
    this.#authorities = authorities
    this.#now = now
    this.#authorityKeys = new Set(authorities.all.map(({ identity }) => identity.tbs))
    this.#anchors = new Set(authorities.all.filter(({ isAnchor }) => isAnchor).map(({ identity }) => identity.tbs))
  }

  /**
   * Finds all paths of a client's certificate.
   * @param intermediates certificates besides the authorities
   * @param isAll whether OpenSSL had no other intermediates. If it had, it may have accepted a path that is not found here, and
   *   then only paths that are sufficient alone count.
   * @returns none where no path reaches an anchor
   */
  find (leaf: X509Certificate, identity: IdentifiedCertificate, intermediates: readonly Intermediate[], isAll: boolean): CertificatePath[] {
    const start: Candidate = { x509: leaf, identity }
    // A client certificate that is an anchor itself is its own path.
    if (this.#anchors.has(start.identity.tbs)) return [pathOf([{ ...start, isAnchor: true }], false, this.#securityLevel)]
    const others = intermediates.filter(({ identity }) => !this.#authorityKeys.has(identity.tbs))
    const candidates: Candidate[] = [...this.#authorities.all, ...others]
    const paths: Candidate[][] = []
    const budget: Budget = { signatures: MAX_SIGNATURE_CHECKS, failures: MAX_FAILED_CHECKS, steps: MAX_STEPS, isSpent: false }
    // OpenSSL tries the authorities first, and other certificates only where these do not continue the path.
    let leadsOutside = false
    const walk = (path: readonly Candidate[]): void => {
      const current = path.at(-1) as Candidate
      let goesOn = false
      for (const issuer of candidates) {
        if (!current.x509.checkIssued(issuer.x509) || path.some(({ identity }) => identity.tbs === issuer.identity.tbs)) continue
        if (paths.length === MAX_PATHS || budget.steps-- <= 0) {
          budget.isSpent = true
          return
        }
        if (!this.#isSignedBy(current, issuer, budget)) continue
        if (!this.#mayIssue(issuer, path)) {
          // OpenSSL accepts some issuers without basicConstraints (man page X509_check_ca).
          if (issuer.isAnchor === undefined && !issuer.x509.ca) budget.isSpent = true
          continue
        }
        const longer = [...path, issuer]
        if (issuer.isAnchor === true) {
          // A client may send one certificate twice, also with another signature.
          if (!paths.some((other) => isSamePath(other, longer))) paths.push(longer)
        } else if (path.length < MAX_DEPTH) walk(longer)
        else budget.isSpent = true
        goesOn ||= issuer.isAnchor !== undefined
      }
      if (!goesOn && path.slice(1).every(({ isAnchor }) => isAnchor !== undefined)) leadsOutside = true
    }
    walk([start])
    // OpenSSL may have used a skipped certificate: a client could send junk until the revoked path is
    // skipped.
    const isUncertain = budget.isSpent || (leadsOutside && !isAll)
    const found = paths.map((path) => pathOf(path, isUncertain || paths.length > 1, this.#securityLevel))
    return isUncertain ? found.filter(({ isSufficient }) => isSufficient) : found
  }

  /**
   * The search with other authorities. It knows which of their anchors are renewals: equal to a previous one except for serial
   * number, validity and signature. OpenSSL would accept the same chains with either.
   */
  under (authorities: SearchedAuthorities): PathFinder {
    const next = new PathFinder(authorities, this.#now, this.#securityLevel, this.#mostLinks, this.#links)
    const candidates = authorities.all.map(({ x509, identity, isAnchor }) => ({ tbs: identity.tbs, isAnchor, ...renewalKeys(x509.raw) }))
    for (const { isAnchor, x509, identity } of this.#authorities.all) {
      if (!isAnchor || next.#authorityKeys.has(identity.tbs)) continue
      const before = renewalKeys(x509.raw)
      // OpenSSL may use any anchor with the same name and key, so all of them must be equal.
      const twins = candidates.filter(({ nameAndKey }) => nameAndKey === before.nameAndKey)
      const isRenewed = twins.length > 0 && twins.every(({ isAnchor, all }) => isAnchor && all === before.all)
      if (isRenewed) next.#renewals.set(identity.tbs, twins.map(({ tbs }) => tbs))
    }
    return next
  }

  /**
   * The paths found with previous authorities that are valid with these. If one is not, OpenSSL may have accepted just that one:
   * then only paths that stand alone remain.
   */
  revalidate (paths: readonly CertificatePath[], leaf: X509Certificate): CertificatePath[] {
    let found: readonly CertificatePath[] | undefined
    const valid = paths.map((path) => {
      if (this.#has(path)) return [path]
      const renewals = this.#renewalsOf(path)
      if (renewals.length === 0) return []
      found ??= this.find(leaf, identifyCertificate(leaf.raw), paths.flatMap(({ sentIntermediates }) => sentIntermediates), true)
      const renewed = found.filter((other) => renewals.includes(other.anchor?.tbs as string) && haveSameCertificates(other, path))
      return renewed.map((other) => ({ ...other, isSufficient: path.isSufficient }))
    })
    const isAnyLost = valid.some((those) => those.length === 0)
    return valid.flat().filter(({ isSufficient }) => isSufficient || !isAnyLost)
  }

  /** Whether these are the authorities of this search. */
  hasSameAuthorities ({ digest }: SearchedAuthorities): boolean {
    return digest === this.#authorities.digest
  }

  #has ({ authorities, anchor }: CertificatePath): boolean {
    return anchor !== undefined && this.#anchors.has(anchor.tbs) && authorities.every((tbs) => this.#authorityKeys.has(tbs))
  }

  /** The renewals of a path's anchor. None where the client's own certificate is the anchor: it has changed then. */
  #renewalsOf ({ anchor, certificates: [leaf] }: CertificatePath): readonly string[] {
    return anchor === undefined || anchor.tbs === leaf?.tbs ? [] : this.#renewals.get(anchor.tbs) ?? []
  }

  /** Name and key of an authority are not enough: it must be a CA, be valid now, and allow the length of the path. */
  #mayIssue ({ x509, isSelfSigned }: Candidate, path: readonly Candidate[]): boolean {
    if (timeOf(x509.validFrom) > this.#now() || (isSelfSigned !== true && !x509.ca)) return false
    if (path.length === 1) return true
    const below = path.slice(1).filter(({ x509 }) => x509.subject !== x509.issuer).length
    return below <= readConstraints(x509.raw).pathLength
  }

  #isSignedBy (subject: Candidate, issuer: Candidate, budget: Budget): boolean {
    const link = `${subject.identity.tbs} ${issuer.identity.tbs}`
    if (!this.#links.delete(link)) {
      if (budget.failures <= 0 || budget.signatures-- <= 0) {
        budget.isSpent = true
        return false
      }
      if (!isSignedBy(subject.x509, issuer.x509)) {
        if (issuer.isAnchor === undefined) budget.failures--
        return false
      }
    }
    // Added again at each use, so that the set stays in order of last use.
    this.#links.add(link)
    if (this.#links.size > this.#mostLinks) this.#links.delete(this.#links.values().next().value as string)
    return true
  }
}

interface Budget {
  signatures: number
  failures: number
  steps: number
  /** Whether anything that may belong to a path was skipped. */
  isSpent: boolean
}

/** The parts that a renewal leaves unchanged: `all` is version, subject, key and extensions; `nameAndKey` a part of it. */
function renewalKeys (der: Buffer): { nameAndKey: string, all: string } {
  const { tbs, serialNumber, subject, subjectPublicKeyInfo } = readCertificate(der)
  // Up to its own end: the header of the serial number, which follows it, may change.
  const version = der[tbs.content] === VERSION
    ? der.subarray(tbs.content, readElement(der, tbs.content, serialNumber.content).end)
    : Buffer.alloc(0)
  return {
    nameAndKey: der.toString('latin1', subject.content, subjectPublicKeyInfo.end),
    all: Buffer.concat([version, der.subarray(subject.content, tbs.end)]).toString('latin1')
  }
}

function haveSameCertificates (one: CertificatePath, other: CertificatePath): boolean {
  if (one.certificates.length !== other.certificates.length) return false
  return one.certificates.every(({ tbs }, index) => tbs === other.certificates[index]?.tbs)
}

function isSamePath (one: readonly Candidate[], other: readonly Candidate[]): boolean {
  return one.length === other.length && one.every(({ identity }, index) => identity.tbs === other[index]?.identity.tbs)
}

function pathOf (path: readonly Candidate[], isOneOfSeveral: boolean, securityLevel: number): CertificatePath {
  const issuers = path.slice(1)
  return {
    // A client certificate that is an anchor itself can be revoked all the same.
    certificates: path.filter(({ isAnchor }, index) => index === 0 || isAnchor !== true).map(({ identity }) => identity),
    anchor: path.at(-1)?.identity,
    sentIntermediates: issuers.filter(({ isAnchor }) => isAnchor === undefined).map(({ x509, identity }) => ({ x509, identity })),
    authorities: path.filter(({ isAnchor }) => isAnchor !== undefined).map(({ identity }) => identity.tbs),
    isSufficient: !isOneOfSeveral || issuers.every(({ x509: { raw }, isAnchor }) => {
      return !readConstraints(raw).restrictive && isStrong(raw, securityLevel, isAnchor === true)
    }),
    notAfter: Math.min(...path.map(({ x509 }) => notAfterOf(x509)))
  }
}

/**
 * When a certificate expires, in milliseconds since 1970.
 * @throws for an impossible time, so that the gate refuses
 */
export function notAfterOf (certificate: X509Certificate): number {
  return timeOf(certificate.validTo)
}

function timeOf (text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error('the certificate has an unreadable validity')
  return time
}
