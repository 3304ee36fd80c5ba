/**
 * What is revoked, at one moment.
 *
 * A set never changes: whoever takes a reference judges by one state from the first certificate of a
 * chain to the last, and a new state is put in force by one assignment.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { type CertificateIdentity, identifyCertificate } from './identity.js'

/** Which part of a certificate an entry names. */
export type RevocationKind = keyof CertificateIdentity

/** What says that a certificate is revoked. */
export interface RevocationSource {
  /** The list, if there is one. */
  readonly list?: string
  /** The line of the list, from 1. */
  readonly line?: number
  /** The file that holds the certificate, if the line names files. */
  readonly file?: string
}

export interface RevocationMatch {
  readonly kind: RevocationKind
  readonly source: RevocationSource
}

export type RevocationStatus =
  | { readonly status: 'good' }
  | {
    readonly status: 'revoked'
    readonly kind: RevocationKind
    readonly source: RevocationSource
    /** Which certificate of the chain it is, from 0, the client's own. */
    readonly index: number
  }

export interface RevocationPolicy {
  /** Whether every certificate of the chain counts (`chain`, the default) or the client's own only (`leaf`). */
  readonly depth?: 'chain' | 'leaf'
}

export interface RevocationEntry {
  readonly kind: RevocationKind
  /** As `identifyCertificate` writes it. */
  readonly value: string
  readonly source: RevocationSource
}

const GOOD: RevocationStatus = { status: 'good' }

export class RevocationSet {
  /** How many entries it has; what is named twice counts once. */
  readonly size: number
  readonly loadedAt: Date
  /** The same for two sets exactly if they revoke the same, whatever files it stands in. */
  readonly digest: string
  readonly #tbs: ReadonlyMap<string, RevocationSource>
  readonly #serial: ReadonlyMap<string, RevocationSource>
  readonly #spki: ReadonlyMap<string, RevocationSource>
  readonly #anchors: ReadonlySet<string>

  /**
   * @param entries the first that names something is the one that is given as its source
   * @param anchors what `trustAnchorsOf` gave: these are never revoked
   */
  constructor (entries: Iterable<RevocationEntry>, loadedAt: Date, anchors: ReadonlySet<string> = new Set()) {
    const keys = { tbs: new Map<string, RevocationSource>(), serial: new Map<string, RevocationSource>(), spki: new Map<string, RevocationSource>() }
    for (const { kind, value, source } of entries) {
      if (!keys[kind].has(value)) keys[kind].set(value, source)
    }
    this.size = keys.tbs.size + keys.serial.size + keys.spki.size
    this.loadedAt = loadedAt
    this.digest = digestOf(keys)
    this.#tbs = keys.tbs
    this.#serial = keys.serial
    this.#spki = keys.spki
    this.#anchors = anchors
  }

  /** What revokes a certificate; undefined if nothing does. Takes the same time whatever the size. */
  find (identity: CertificateIdentity): RevocationMatch | undefined {
    const tbs = this.#tbs.get(identity.tbs)
    if (tbs !== undefined) return { kind: 'tbs', source: tbs }
    // Nothing is hashed for a kind that nobody uses.
    const serial = this.#serial.size > 0 ? this.#serial.get(identity.serial) : undefined
    if (serial !== undefined) return { kind: 'serial', source: serial }
    const spki = this.#spki.size > 0 ? this.#spki.get(identity.spki) : undefined
    return spki === undefined ? undefined : { kind: 'spki', source: spki }
  }

  /**
   * What the set says of one chain. That the chain is one, and that it ends at an authority, is not
   * looked at: OpenSSL has done that, or you have.
   *
   * @param chain the client's own certificate first; the trust anchor may be left out
   * @throws FST_ENDPOINT_DER_INVALID for bytes that are no certificate: refuse then
   */
  status (chain: ReadonlyArray<X509Certificate | Uint8Array>, policy: RevocationPolicy = {}): RevocationStatus {
    const judged = policy.depth === 'leaf' ? chain.slice(0, 1) : chain
    for (const [index, certificate] of judged.entries()) {
      const identity = identifyCertificate(certificate instanceof Uint8Array ? certificate : certificate.raw)
      if (this.#anchors.has(identity.tbs)) continue
      const match = this.find(identity)
      if (match !== undefined) return { status: 'revoked', ...match, index }
    }
    return GOOD
  }
}

function digestOf (keys: Record<RevocationKind, ReadonlyMap<string, unknown>>): string {
  const digest = createHash('sha256')
  for (const [kind, values] of Object.entries(keys)) {
    // The key of one kind may be that of another; no key has a line break in it.
    digest.update(`${kind}\n`)
    for (const value of [...values.keys()].sort()) digest.update(`${value}\n`)
  }
  return digest.digest('base64')
}

/**
 * The keys of the trust anchors among the authorities, which are the self-signed ones. Only their owner
 * can revoke them, by taking them out of the authorities.
 */
export function trustAnchorsOf (authorities: ReadonlyArray<X509Certificate | Uint8Array>): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const authority of authorities) {
    const certificate = authority instanceof Uint8Array ? new X509Certificate(authority) : authority
    const isSelfSigned = certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
    if (isSelfSigned) anchors.add(identifyCertificate(certificate.raw).tbs)
  }
  return anchors
}
