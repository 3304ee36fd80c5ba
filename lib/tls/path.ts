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
 * counts only if its issuers are authorities at all (basicConstraints, keyUsage) and valid now.
 */
import type { X509Certificate } from 'node:crypto'
import { identifyCertificate, type CertificateIdentity } from '../revocation/identity.js'
import type { Authority } from './authorities.js'

/** A way from a client's certificate to a trust anchor. */
export interface CertificatePath {
  /**
   * The client's own certificate first, without the anchor: that one is not revoked but taken out of
   * the authorities.
   */
  readonly certificates: readonly CertificateIdentity[]
  /** The `tbs` of those that came from the authorities, the anchor last: without them there is no path. */
  readonly authorities: readonly string[]
  /** When the first certificate of the path expires, the anchor's included; milliseconds since 1970. */
  readonly notAfter: number
}

/** Signatures that one handshake may make us check; RSA-4096 takes 100 µs each. */
const MAX_SIGNATURE_CHECKS = 32
/** Certificates that we look at of those that a client sent, and the longest path. */
const MAX_DEPTH = 16
/** Steps of the search: with every signature cached, a mesh of cross-signed CAs could still cost exponential time. */
const MAX_STEPS = 256
/** Paths that are kept for later swaps. */
const MAX_PATHS = 8
/** Verified links that are remembered; an entry takes about 200 bytes. */
const MAX_CACHED_LINKS = 10_000

type Candidate = Pick<Authority, 'x509' | 'identity'> & Partial<Authority>

/** The search for paths under one set of authorities, with what it has already verified. */
export class PathFinder {
  readonly #authorities: readonly Authority[]
  readonly #now: () => number
  readonly #known: ReadonlySet<string>
  readonly #anchors: ReadonlySet<string>
  /**
   * Whether the holder of one key signed one TBSCertificate. It is a fact about the signed part, so
   * it holds whatever signature a client shows with it next time.
   */
  readonly #links = new Map<string, boolean>()

  /** @param now the clock, in milliseconds since 1970 */
  constructor (authorities: readonly Authority[], now: () => number) {
    this.#authorities = authorities
    this.#now = now
    this.#known = new Set(authorities.map(({ identity }) => identity.tbs))
    this.#anchors = new Set(authorities.filter(({ anchor }) => anchor).map(({ identity }) => identity.tbs))
  }

  /**
   * All paths of a client's certificate.
   * @param leaf as `getPeerX509Certificate` gives it: with the certificates that the client sent behind it
   * @returns none where no path reaches an anchor
   */
  find (leaf: X509Certificate): CertificatePath[] {
    const start: Candidate = { x509: leaf, identity: identifyCertificate(leaf.raw) }
    // A self-signed client certificate may stand among the authorities itself: then it is its own path.
    if (this.#anchors.has(start.identity.tbs)) return [pathOf([{ ...start, anchor: true }])]
    const candidates = [...this.#authorities, ...this.#sentIssuers(leaf)]
    const paths: CertificatePath[] = []
    const budget = { signatures: MAX_SIGNATURE_CHECKS, steps: MAX_STEPS }
    const walk = (path: readonly Candidate[]): void => {
      const current = path.at(-1) as Candidate
      for (const issuer of candidates) {
        if (paths.length === MAX_PATHS || budget.steps-- <= 0) return
        if (!current.x509.checkIssued(issuer.x509) || path.some(({ identity }) => identity.tbs === issuer.identity.tbs)) continue
        if (!this.#isSignedBy(current, issuer, budget)) continue
        if (issuer.anchor !== true && !this.#mayIssue(issuer)) continue
        if (issuer.anchor === true) paths.push(pathOf(path, issuer))
        else if (path.length < MAX_DEPTH) walk([...path, issuer])
      }
    }
    walk([start])
    return paths
  }

  /** Whether a path that other authorities gave is one under these too. */
  holds ({ authorities }: CertificatePath): boolean {
    return authorities.every((tbs) => this.#known.has(tbs))
  }

  /** The issuers that the client sent, as far as Node shows them: one line from the leaf upwards. */
  #sentIssuers (leaf: X509Certificate): Candidate[] {
    const sent: Candidate[] = []
    let x509 = leaf.issuerCertificate
    for (let depth = 0; x509 !== undefined && depth < MAX_DEPTH; depth++, x509 = x509.issuerCertificate) {
      const identity = identifyCertificate(x509.raw)
      if (!this.#known.has(identity.tbs)) sent.push({ x509, identity })
    }
    return sent
  }

  /** What a client sends may have the name and the key of an authority, and be none. */
  #mayIssue ({ x509 }: Candidate): boolean {
    return x509.ca && timeOf(x509.validFrom) <= this.#now()
  }

  #isSignedBy (subject: Candidate, issuer: Candidate, budget: { signatures: number }): boolean {
    const link = `${subject.identity.tbs} ${issuer.identity.tbs}`
    let signed = this.#links.get(link)
    if (signed === undefined) {
      if (budget.signatures-- <= 0) return false
      signed = subject.x509.verify(issuer.x509.publicKey)
    } else {
      this.#links.delete(link)
    }
    // Set anew at each use, so that the first of the map is the one that was used least recently.
    this.#links.set(link, signed)
    if (this.#links.size > MAX_CACHED_LINKS) this.#links.delete(this.#links.keys().next().value as string)
    return signed
  }
}

function pathOf (path: readonly Candidate[], anchor?: Candidate): CertificatePath {
  const all = anchor === undefined ? path : [...path, anchor]
  return {
    certificates: path.map(({ identity }) => identity),
    authorities: all.filter(({ anchor }) => anchor !== undefined).map(({ identity }) => identity.tbs),
    notAfter: Math.min(...all.map(({ x509 }) => notAfterOf(x509)))
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
