/**
 * The paths from a client's certificate to a trust anchor.
 *
 * OpenSSL has already found one that it accepts, but does not say which. A revoked certificate
 * anywhere on a path spoils that path, so the gate has to know them all, as far as they can be made
 * of what the client sent and what the authorities hold. Links are proved by signature: by name
 * alone, a client could send a self-made twin of the revoked certificate that issued its own.
 *
 * This is no validator beside OpenSSL's: its verdict is necessary, and where nothing is found although
 * OpenSSL was content, the client is refused. But where the path that OpenSSL took is revoked, another one
 * counts only if its issuers are authorities at all (basicConstraints, keyUsage, path lengths), are
 * valid now, strong enough, and limit nothing that only OpenSSL can check. The same goes for a connection that is open when its anchor
 * is renewed: nobody asks OpenSSL again, so all that it looked at must be as it was.
 */
import type { X509Certificate } from 'node:crypto'
import { readCertificate, readElement, VERSION } from '../x509/der.js'
import { identifyCertificate, type IdentifiedCertificate } from '../x509/identity.js'
import { isSignedBy } from '../x509/public-key.js'
import { isStrong, securityLevelOf } from '../x509/strength.js'
import type { Authorities, Authority } from '../x509/authorities.js'
import { readConstraints } from './constraints.js'

/** A way from a client's certificate to a trust anchor. */
export interface CertificatePath {
  /**
   * The client's own certificate first, without the anchor: that one is not revoked but taken out of
   * the authorities.
   */
  readonly certificates: readonly IdentifiedCertificate[]
  /** Undefined where only the client's own certificate is known. */
  readonly anchor: IdentifiedCertificate | undefined
  /** Those of its certificates that the authorities do not hold, without the client's own. */
  readonly sent: readonly Intermediate[]
  /** The `tbs` of those that came from the authorities, the anchor last: without them there is no path. */
  readonly authorities: readonly string[]
  /**
   * Whether it holds as it stands where another path is revoked: OpenSSL has accepted one path, perhaps
   * that one, and no authority on this one limits names, policies or purposes, which only OpenSSL checks, or is too
   * weak for its security level.
   */
  readonly standsAlone: boolean
  /** When the first certificate of the path expires, the anchor's included; milliseconds since 1970. */
  readonly notAfter: number
}

/** Signatures that one handshake may make us check; RSA-4096 takes 100 µs each. */
const MAX_SIGNATURE_CHECKS = 32
/** The longest path. */
const MAX_DEPTH = 16
/** Signatures of what a client sent that may fail: an honest client sends a chain, and strangers fit in no place of it. */
const MAX_FAILED_CHECKS = 4
/** Steps of the search: with every signature cached, a mesh of cross-signed CAs could still cost exponential time. */
const MAX_STEPS = 256
/** Paths that are kept for later swaps. */
const MAX_PATHS = 8
/** Verified links that are remembered; an entry takes about 200 bytes. */
const MAX_CACHED_LINKS = 10_000

/** A certificate that may stand between a client's own and an authority. */
export type Intermediate = Pick<Authority, 'x509' | 'identity'>

/** An authority has `isAnchor`, whatever it is; what a client sends has not. */
type Candidate = Intermediate & Partial<Pick<Authority, 'isAnchor' | 'isSelfSigned'>>

/** What of them the search needs. */
export interface KnownAuthorities extends Pick<Authorities, 'digest'> {
  readonly all: ReadonlyArray<Intermediate & Pick<Authority, 'isAnchor' | 'isSelfSigned'>>
}

/** The search for paths under one set of authorities, with what it has already verified. */
export class PathFinder {
  readonly #authorities: KnownAuthorities
  readonly #now: () => number
  readonly #known: ReadonlySet<string>
  readonly #anchors: ReadonlySet<string>
  /**
   * Which TBSCertificate the holder of which authority's key has signed. It is a fact about the signed
   * part, so it holds whatever signature a client shows with it next time. The opposite is none: with
   * a broken signature somebody could spoil the link for everybody.
   */
  readonly #links: Set<string>
  readonly #mostLinks: number
  readonly #securityLevel: number
  /** The `tbs` of anchors from before, and of those that have come in their place. */
  readonly #renewals = new Map<string, readonly string[]>()

  /**
   * @param now the clock, in milliseconds since 1970
   * @param securityLevel that of OpenSSL; see `securityLevelOf`
   * @param mostLinks how many verified links are remembered
   * @param links those of another search
   */
  constructor (
    authorities: KnownAuthorities,
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
    this.#known = new Set(authorities.all.map(({ identity }) => identity.tbs))
    this.#anchors = new Set(authorities.all.filter(({ isAnchor }) => isAnchor).map(({ identity }) => identity.tbs))
  }

  /**
   * All paths of a client's certificate.
   * @param intermediates what there is beside the authorities
   * @param isAll whether these are all that OpenSSL had beside the authorities. If not, a path that holds only because
   *   OpenSSL has accepted it is left out where OpenSSL may have taken one that is not found.
   * @returns none where no path reaches an anchor
   */
  find (leaf: X509Certificate, identity: IdentifiedCertificate, intermediates: readonly Intermediate[], isAll: boolean): CertificatePath[] {
    const start: Candidate = { x509: leaf, identity }
    // A client certificate may stand among the authorities itself: if it is an anchor, it is its own path.
    if (this.#anchors.has(start.identity.tbs)) return [pathOf([{ ...start, isAnchor: true }], false, this.#securityLevel)]
    const candidates: Candidate[] = [...this.#authorities.all, ...intermediates.filter(({ identity }) => !this.#known.has(identity.tbs))]
    const paths: Candidate[][] = []
    const budget: Budget = { signatures: MAX_SIGNATURE_CHECKS, failures: MAX_FAILED_CHECKS, steps: MAX_STEPS, isSpent: false }
    // OpenSSL looks among the authorities first, and elsewhere only where they do not go on.
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
          // OpenSSL takes some authorities that do not say so (its man page X509_check_ca).
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
    // What was passed over may be what OpenSSL took: a client could send junk until the revoked one is.
    const isUncertain = budget.isSpent || (leadsOutside && !isAll)
    const found = paths.map((path) => pathOf(path, isUncertain || paths.length > 1, this.#securityLevel))
    return isUncertain ? found.filter(({ standsAlone }) => standsAlone) : found
  }

  /**
   * The search under other authorities. It knows which anchors are those of before, renewed: the same but for their
   * number, their time, and who has signed them. What OpenSSL has found good about the one, it does about the other.
   */
  under (authorities: KnownAuthorities): PathFinder {
    const next = new PathFinder(authorities, this.#now, this.#securityLevel, this.#mostLinks, this.#links)
    const candidates = authorities.all.map(({ x509, identity, isAnchor }) => ({ tbs: identity.tbs, isAnchor, ...renewalKeys(x509.raw) }))
    for (const { isAnchor, x509, identity } of this.#authorities.all) {
      if (!isAnchor || next.#known.has(identity.tbs)) continue
      const before = renewalKeys(x509.raw)
      // OpenSSL takes any of the same name and key, and what another one of them says is not known to it yet.
      const twins = candidates.filter(({ nameAndKey }) => nameAndKey === before.nameAndKey)
      const isRenewed = twins.length > 0 && twins.every(({ isAnchor, all }) => isAnchor && all === before.all)
      if (isRenewed) next.#renewals.set(identity.tbs, twins.map(({ tbs }) => tbs))
    }
    return next
  }

  /**
   * Of the paths that the authorities of before gave, those that hold under these too, as they are now. If one does
   * not, it may be the one that OpenSSL took: then only those are left that stand without that.
   */
  revalidate (paths: readonly CertificatePath[], leaf: X509Certificate): CertificatePath[] {
    let found: readonly CertificatePath[] | undefined
    const held = paths.map((path) => {
      if (this.#has(path)) return [path]
      const renewals = this.#renewalsOf(path)
      if (renewals.length === 0) return []
      found ??= this.find(leaf, identifyCertificate(leaf.raw), paths.flatMap(({ sent }) => sent), true)
      return found.filter((other) => renewals.includes(other.anchor?.tbs as string) && haveSameCertificates(other, path)).map((other) => ({ ...other, standsAlone: path.standsAlone }))
    })
    const isAnyLost = held.some((those) => those.length === 0)
    return held.flat().filter(({ standsAlone }) => standsAlone || !isAnyLost)
  }

  /** Whether these are the same as the authorities of a search. */
  hasSameAuthorities ({ digest }: KnownAuthorities): boolean {
    return digest === this.#authorities.digest
  }

  #has ({ authorities, anchor }: CertificatePath): boolean {
    return anchor !== undefined && this.#anchors.has(anchor.tbs) && authorities.every((tbs) => this.#known.has(tbs))
  }

  /** The anchors in the place of that of a path. Who is an anchor itself is none any more with another certificate. */
  #renewalsOf ({ anchor, certificates: [leaf] }: CertificatePath): readonly string[] {
    return anchor === undefined || anchor.tbs === leaf?.tbs ? [] : this.#renewals.get(anchor.tbs) ?? []
  }

  /** What a client sends, or is pinned itself, may have the name and the key of an authority, and be none, or none for this path. */
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
    // Added anew at each use, so that the first of the set is the one that was used least recently.
    this.#links.add(link)
    if (this.#links.size > this.#mostLinks) this.#links.delete(this.#links.values().next().value as string)
    return true
  }
}

interface Budget {
  signatures: number
  failures: number
  steps: number
  /** Whether anything was passed over that may belong to a path. */
  isSpent: boolean
}

/** What a certificate and its renewal have in common: all of it, which is version, subject, key and extensions; and the first part. */
function renewalKeys (der: Buffer): { nameAndKey: string, all: string } {
  const { tbs, serialNumber, subject, subjectPublicKeyInfo } = readCertificate(der)
  // The tag of the number stands behind the version, and the length of its length depends on the number.
  const version = der[tbs.content] === VERSION ? der.subarray(tbs.content, readElement(der, tbs.content, serialNumber.content).end) : Buffer.alloc(0)
  return {
    nameAndKey: der.toString('latin1', subject.content, subjectPublicKeyInfo.end),
    all: Buffer.concat([version, der.subarray(subject.content, tbs.end)]).toString('latin1')
  }
}

function haveSameCertificates (one: CertificatePath, other: CertificatePath): boolean {
  return one.certificates.length === other.certificates.length && one.certificates.every(({ tbs }, index) => tbs === other.certificates[index]?.tbs)
}

function isSamePath (one: readonly Candidate[], other: readonly Candidate[]): boolean {
  return one.length === other.length && one.every(({ identity }, index) => identity.tbs === other[index]?.identity.tbs)
}

function pathOf (path: readonly Candidate[], isOneOfSeveral: boolean, securityLevel: number): CertificatePath {
  const issuers = path.slice(1)
  return {
    // A pinned certificate is its own anchor, and can be revoked all the same.
    certificates: path.filter(({ isAnchor }, index) => index === 0 || isAnchor !== true).map(({ identity }) => identity),
    anchor: path.at(-1)?.identity,
    sent: issuers.filter(({ isAnchor }) => isAnchor === undefined).map(({ x509, identity }) => ({ x509, identity })),
    authorities: path.filter(({ isAnchor }) => isAnchor !== undefined).map(({ identity }) => identity.tbs),
    standsAlone: !isOneOfSeveral || issuers.every(({ x509: { raw }, isAnchor }) => {
      return !readConstraints(raw).restrictive && isStrong(raw, securityLevel, isAnchor === true)
    }),
    notAfter: Math.min(...path.map(({ x509 }) => notAfterOf(x509)))
  }
}

/**
 * When a certificate expires, in milliseconds since 1970.
 * @throws where OpenSSL prints a time that is none, so that the gate refuses
 */
export function notAfterOf (certificate: X509Certificate): number {
  return timeOf(certificate.validTo)
}

function timeOf (text: string): number {
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw new Error('the certificate has an unreadable validity')
  return time
}
