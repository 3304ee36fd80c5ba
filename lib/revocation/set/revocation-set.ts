/**
 * What is revoked at one moment.
 *
 * A set is immutable. So a chain is judged by one state from its first certificate to its last, and one assignment puts a
 * new state in force.
 */
import type { X509Certificate } from 'node:crypto'
import { type Coverage, type CrlEntry, CrlSet } from '../crl/crl-set.js'
import { ALL_REASONS } from '../../x509/distribution-point.js'
import type { SourcedCrl } from '../crl/series.js'
import { Authorities, pathsAbove } from '../../x509/authorities.js'
import { identifyCertificate, type IdentifiedCertificate } from '../../x509/identity.js'
import { originPlace } from './origin.js'
import { type RevocationEntry, RevocationKeys } from './keys.js'
import { SetKeys } from './set-keys.js'
import type {
  CertificateIdentity, RevocationMatch, RevocationPolicy, RevocationReason, RevocationStatus
} from '../../../types/revocation.js'

/** A verified path from a client's certificate to a trust anchor. */
export interface JudgedPath {
  /** The client's own certificate first, without the anchor. */
  readonly certificates: readonly IdentifiedCertificate[]
  /**
   * Undefined if it is no longer known. The client was good while it was known, so CRLs only say
   * until when they can have proved that.
   */
  readonly anchor: IdentifiedCertificate | undefined
}

interface RevocationSetOptions {
  readonly keys?: SetKeys
  /** Keys, if `keys` is not given (none). */
  readonly entries?: Iterable<RevocationEntry>
  readonly loadedAt: Date
  /** The clock by which CRLs expire, in milliseconds since 1970 (Date.now). */
  readonly now?: () => number
  /** The authorities that may sign CRLs. Their anchors are never revoked (none). */
  readonly authorities?: Authorities
  readonly crls?: Iterable<SourcedCrl>
  /** Whether CRLs are in use though none is given: once they were in use, a certificate without one is unknown. */
  readonly expectsCrls?: boolean
}

const REASONS: readonly RevocationReason[] = [
  'unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded', 'cessationOfOperation', 'certificateHold',
  'unused', 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise'
]

const GOOD: RevocationStatus = { status: 'good' }

/** Everything that is revoked at one time. A set never changes: a reload creates another one. */
export class RevocationSet {
  /** Entries in the set, with those of its CRLs. An entry that is stated twice counts once. */
  readonly size: number
  /** When the set was loaded. */
  readonly loadedAt: Date
  /** @internal */
  readonly crls: CrlSet
  /** @internal */
  readonly keys: SetKeys
  readonly #authorities: Authorities
  readonly #now: () => number
  readonly #usesCrls: boolean

  constructor (options: RevocationSetOptions) {
    const { keys, entries = [], loadedAt, now = Date.now, authorities = Authorities.none, crls = [] } = options
    const { expectsCrls = false } = options
    this.keys = keys ?? SetKeys.ofList(RevocationKeys.none.with(entries))
    this.#now = now
    this.#authorities = authorities
    const given = [...crls]
    this.crls = new CrlSet(given, authorities, (certificate) => this.find(certificate) !== undefined, now())
    // Even if the CRLs are empty: an operator who names one wants it to be used.
    this.#usesCrls = expectsCrls || given.length > 0
    this.size = this.keys.size + this.crls.size
    this.loadedAt = loadedAt
  }

  /**
   * Whether another set has the same entries, from the same lines and files.
   * @internal
   */
  isSameAs (other: RevocationSet): boolean {
    return this.#crlDigest() === other.#crlDigest() && this.keys.isSameAs(other.keys)
  }

  #crlDigest (): string {
    const { crls } = this.crls
    if (crls.length === 0) return ''
    const stated = crls.map(({ digest, source }) => `${digest} ${source.line} ${originPlace(source)}`)
    return JSON.stringify([this.#authorities.digest, stated.sort()])
  }

  /**
   * The authorities that it was loaded with.
   * @internal
   */
  get authorities (): Authorities {
    return this.#authorities
  }

  /**
   * Whether CRLs are in use.
   * @internal
   */
  get usesCrls (): boolean {
    return this.#usesCrls
  }

  /**
   * Finds the line or file that revokes a certificate by one of its keys, in constant time. It ignores CRLs, since
   * they depend on the path: use `status` for them.
   *
   * @returns undefined if nothing revokes it
   */
  find (identity: CertificateIdentity): RevocationMatch | undefined {
    const keys = this.keys
    const tbs = keys.find('tbs', identity.tbs)
    if (tbs !== undefined) return { kind: 'tbs', source: tbs }
    // Without an entry of a kind nothing is hashed for it.
    const serial = keys.mayHave('serial') ? keys.find('serial', identity.serial) : undefined
    if (serial !== undefined) return { kind: 'serial', source: serial }
    const spki = keys.mayHave('spki') ? keys.find('spki', identity.spki) : undefined
    return spki === undefined ? undefined : { kind: 'spki', source: spki }
  }

  /**
   * Judges one path.
   *
   * @internal
   * @throws FST_ENDPOINT_DER_INVALID if CRLs are in use, and the extensions of a certificate cannot be read: reject the
   *   client then
   */
  judge ({ certificates, anchor }: JudgedPath, policy: RevocationPolicy): RevocationStatus {
    const now = this.#now()
    const depth = policy.revocationDepth === 'leaf' ? 1 : certificates.length
    let goodUntil = Infinity
    let unknown: RevocationStatus | undefined
    for (const [index, certificate] of certificates.entries()) {
      if (index >= depth) break
      const match = this.find(certificate)
      if (match !== undefined) return { status: 'revoked', ...match, index }
      if (!this.#usesCrls) continue
      if (anchor?.tbs === certificate.tbs) {
        const entry = this.#findPinned(certificate, now, policy)
        if (entry !== undefined) return revokedBy(entry, index)
        continue
      }
      if (anchor === undefined) {
        if (policy.expiredCrl === 'deny') goodUntil = this.crls.firstEnd(now)
        if (goodUntil < now) unknown ??= { status: 'unknown', index, isExpired: true }
        continue
      }
      const issuer = (certificates[index + 1] ?? anchor).spki
      const entry = this.crls.find(certificate.subject, issuer, anchor.tbs, { now, ...policy })
      if (entry !== undefined) return revokedBy(entry, index)
      if (policy.unknownStatus !== 'deny' && policy.expiredCrl !== 'deny') continue
      const coverage = this.crls.coverage(certificate.subject, issuer, anchor.tbs, now)
      // Not returned yet: a revoked certificate above has priority.
      if (isUnknown(coverage, policy)) unknown ??= { status: 'unknown', index, isExpired: coverage.current !== coverage.reasons }
      if (policy.expiredCrl === 'deny') goodUntil = Math.min(goodUntil, coverage.until)
    }
    return unknown ?? (goodUntil === Infinity ? GOOD : { status: 'good', goodUntil: new Date(goodUntil) })
  }

  /**
   * The entry of a CRL that revokes a client's certificate which is an anchor itself. A self-signed one has no issuer whose
   * CRL might list it. Another one may have its issuer among the authorities.
   */
  #findPinned (certificate: IdentifiedCertificate, now: number, policy: RevocationPolicy): CrlEntry | undefined {
    if (this.#authorities.anchors !== 'any') return undefined
    for (const { identity } of this.#authorities.find(certificate)?.issuers ?? []) {
      const entry = this.crls.find(certificate.subject, identity.spki, identity.tbs, { now, ...policy })
      if (entry !== undefined) return entry
    }
    return undefined
  }

  /**
   * The status of a chain. It does not verify the signatures of the chain: do that first. CRLs count only for a chain that
   * ends at one of the authorities that the set was loaded with, or was issued by one.
   *
   * @param chain certificates, or their DER, the client's own first; the trust anchor may be left out
   * @param policy how much must be proved (the default of each member)
   * @throws FST_ENDPOINT_DER_INVALID for bytes that are not a certificate: reject the client then
   */
  status (chain: ReadonlyArray<X509Certificate | Uint8Array>, policy: RevocationPolicy = {}): RevocationStatus {
    const given = chain.map((certificate) => identifyCertificate(certificate instanceof Uint8Array ? certificate : certificate.raw))
    const isAnchor = (certificate: IdentifiedCertificate): boolean => this.#authorities.find(certificate)?.isAnchor === true
    const certificates = this.#authorities.anchors === 'any'
      ? belowAnchor(given, isAnchor)
      : given.filter((certificate) => !isAnchor(certificate))
    const statuses = this.#pathsOf(given, certificates).map((path): RevocationStatus => {
      const status = this.judge(path, policy)
      const isCovered = !this.#usesCrls || path.anchor !== undefined || certificates.length === 0
      if (isCovered || status.status === 'revoked' || policy.unknownStatus !== 'deny') return status
      return { status: 'unknown', index: certificates.length - 1, isExpired: false }
    })
    // The result is that of the gate.
    return statuses.find(({ status }) => status === 'good') ?? statuses.find(({ status }) => status === 'revoked') ?? statuses[0] ?? GOOD
  }

  /** The paths that complete a chain; only the chain itself if there is none. */
  #pathsOf (given: readonly IdentifiedCertificate[], certificates: readonly IdentifiedCertificate[]): JudgedPath[] {
    const alone = [{ certificates, anchor: undefined }]
    if (!this.#usesCrls || certificates.length === 0) return alone
    const last = given.at(-1) as IdentifiedCertificate
    const top = this.#authorities.find(this.#authorities.anchors === 'any' ? given[certificates.length] ?? last : last)
    if (top?.isAnchor === true) return [{ certificates, anchor: top.identity }]
    const paths = pathsAbove(certificates, this.#authorities.issuersOf(last))
    return paths.length === 0 ? alone : paths
  }
}

/** A chain up to its first anchor. The client's own certificate is included even if it is an anchor, since it can be revoked. */
function belowAnchor (
  chain: readonly IdentifiedCertificate[],
  isAnchor: (certificate: IdentifiedCertificate) => boolean
): IdentifiedCertificate[] {
  const end = chain.findIndex(isAnchor)
  return chain.slice(0, end === -1 ? chain.length : Math.max(end, 1))
}

function revokedBy ({ source, reason: code, revokedAt }: CrlEntry, index: number): RevocationStatus {
  const reason = REASONS[code ?? -1]
  return {
    status: 'revoked',
    kind: 'crl',
    source,
    ...(reason !== undefined && { reason }),
    ...(revokedAt !== undefined && { revokedAt: new Date(revokedAt) }),
    index
  }
}

function isUnknown ({ reasons, current }: Coverage, { unknownStatus, expiredCrl }: RevocationPolicy): boolean {
  // RFC 5280 section 6.3.3: the status is known only if every reason for a revocation was checked.
  if (unknownStatus === 'deny') return (expiredCrl === 'deny' ? current : reasons) !== ALL_REASONS
  return current !== reasons
}
