/**
 * The authorities of an endpoint: they issue client certificates and sign CRLs.
 *
 * Self-signed certificates are trust anchors. The others only complete paths, unless `anchors=any` makes an anchor of
 * each; OpenSSL then accepts partial chains. A CRL counts where a path of signatures leads from its signer to an anchor
 * (RFC 5280 section 6.3.3 (f)). Only the authorities that the operator has configured count for that, never what a
 * client sends. So each CRL is verified once, when it is loaded.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { located, reasonOf } from '../errors.js'
import { type PublicKey, publicKeyOf, readPublicKey } from './public-key.js'
import { readValidity } from './validity.js'
import { BIT_STRING, certificateExtensions, expectTag, invalid, readCertificate } from './der.js'
import { identifyCertificate, type IdentifiedCertificate } from './identity.js'
import { parseCertificate } from './parsed-certificate.js'
import { readSubjectKeyId } from './extensions.js'
import { nameKey } from './name.js'
import { KEY_USAGE, SUBJECT_KEY_IDENTIFIER } from './oids.js'

/** Which of the authorities are trust anchors: the argument `anchors` of a `tls:` endpoint. */
export type AnchorPolicy = 'self-signed' | 'any'

/** One of the authorities. */
export interface Authority {
  readonly x509: X509Certificate
  readonly identity: IdentifiedCertificate
  readonly key: KeyObject
  /** Type, curve and size of its key. */
  readonly kind: PublicKey
  /** The key of its subject's name. */
  readonly name: string
  /** subjectKeyIdentifier, in hexadecimal. */
  readonly keyId: string | undefined
  /** Whether it may sign CRLs: keyUsage is absent, or has cRLSign. */
  readonly signsCrls: boolean
  /** Whether it may sign certificates: an authority whose keyUsage is absent, or has keyCertSign. */
  readonly signsCertificates: boolean
  /** A path may end here. */
  readonly isAnchor: boolean
  readonly isSelfSigned: boolean
  /** Milliseconds since 1970. */
  readonly notAfter: number
  /** The other authorities that have signed it. Signatures are verified at the first access. */
  readonly issuers: readonly Authority[]
}

/** Bits of keyUsage (RFC 5280 section 4.2.1.3), in the order of its first byte. */
const KEY_CERT_SIGN = 0b0000_0100
const CRL_SIGN = 0b0000_0010

/** A certificate that cannot be used as an authority. */
interface UnusableAuthority {
  /** Its index among the certificates given, from 0. */
  readonly index: number
  readonly x509: X509Certificate
  /** FST_ENDPOINT_PUBLIC_KEY or FST_ENDPOINT_DER_INVALID. */
  readonly problem: Error
}

/** A path through authorities to an anchor. */
export interface AuthorityPath {
  /** The client's own certificate first, without the anchor. */
  readonly certificates: readonly IdentifiedCertificate[]
  readonly anchor: IdentifiedCertificate
}

/** The anchors that the paths of each authority reach, with the time until which the longest-lived of them holds. */
export type ReachedAnchors = ReadonlyMap<Authority, ReadonlyMap<string, number>>

/** Limits of `pathsAbove`. */
const MAX_PATHS = 8
const MAX_DEPTH = 16

/** An immutable set of authorities, parsed once. */
export class Authorities {
  static readonly none = new Authorities([])

  /** In the order in which they were given. */
  readonly all: readonly Authority[]
  /** The certificates that cannot be used. */
  readonly unusable: readonly UnusableAuthority[]
  readonly anchors: AnchorPolicy
  /** The path of their file; empty where there is no file. */
  readonly file: string
  /** Equal exactly where the certificates, their order and `anchors` are equal. */
  readonly digest: string
  readonly #byTbs: ReadonlyMap<string, Authority>

  /**
   * @param certificates those that cannot be used go to `unusable`: their key is not sound, this Node.js cannot read it, or
   *   their times or extensions cannot be read
   * @throws FST_ENDPOINT_DER_INVALID for bytes that are no certificate
   */
  constructor (certificates: ReadonlyArray<X509Certificate | Uint8Array>, anchors: AnchorPolicy = 'self-signed', file = '') {
    const all: Authority[] = []
    const unusable: UnusableAuthority[] = []
    for (const [index, given] of certificates.entries()) {
      const x509 = given instanceof Uint8Array ? parse(given) : given
      try {
        all.push(readAuthority(x509, anchors, all))
      } catch (thrown) {
        unusable.push({ index, x509, problem: thrown as Error })
      }
    }
    this.all = all
    this.unusable = unusable
    this.anchors = anchors
    this.file = file
    const hash = createHash('sha256').update(anchors)
    for (const { identity: { der } } of all) hash.update(`\n${der.length}\n`).update(der)
    this.digest = hash.digest('base64')
    this.#byTbs = new Map(all.toReversed().map((authority) => [authority.identity.tbs, authority]))
  }

  /** The certificates in DER, for another thread. */
  get certificates (): Uint8Array[] {
    return this.all.map(({ identity }) => identity.der)
  }

  isSameAs ({ digest }: Authorities): boolean {
    return digest === this.digest
  }

  /** Whether the others contain all of these, in any order. */
  isWithin (others: Authorities): boolean {
    return this.all.every(({ identity }) => others.find(identity) !== undefined)
  }

  /** The authority with the same TBSCertificate. */
  find ({ tbs }: Pick<IdentifiedCertificate, 'tbs'>): Authority | undefined {
    return this.#byTbs.get(tbs)
  }

  /** The authorities that have signed a certificate; the certificate may be an authority itself. */
  issuersOf (certificate: IdentifiedCertificate): readonly Authority[] {
    const known = this.find(certificate)
    if (known !== undefined) return known.issuers
    const x509 = parseCertificate(certificate.der)
    return this.all.filter(({ x509: issuer, key, signsCertificates }) => signsCertificates && x509.checkIssued(issuer) && x509.verify(key))
  }

  /** @param isExcluded authorities that no path may use (none) */
  reachedAnchors (isExcluded: (authority: Authority) => boolean = () => false): ReachedAnchors {
    const reached = new Map<Authority, Map<string, number>>(this.all.map((authority) => [authority, new Map()]))
    let isSettled = false
    // Each round extends the paths by one step, so there are at most as many rounds as authorities.
    while (!isSettled) {
      isSettled = true
      for (const [authority, anchors] of reached) {
        if (isExcluded(authority)) continue
        const found: Array<[string, number]> = authority.isAnchor ? [[authority.identity.tbs, authority.notAfter]] : []
        for (const issuer of authority.issuers) {
          for (const [anchor, notAfter] of reached.get(issuer) ?? []) found.push([anchor, Math.min(notAfter, authority.notAfter)])
        }
        for (const [anchor, notAfter] of found) {
          if (notAfter <= (anchors.get(anchor) ?? -Infinity)) continue
          anchors.set(anchor, notAfter)
          isSettled = false
        }
      }
    }
    return reached
  }
}

/**
 * The paths from a chain through the issuers of its last certificate to an anchor; at most 8.
 *
 * @param below the chain, the client's own certificate first
 */
export function pathsAbove (below: readonly IdentifiedCertificate[], issuers: readonly Authority[]): AuthorityPath[] {
  const paths: AuthorityPath[] = []
  const walk = (below: readonly IdentifiedCertificate[], { identity, isAnchor, isSelfSigned, issuers }: Authority): void => {
    if (isAnchor) paths.push({ certificates: below, anchor: identity })
    if (!isSelfSigned && isAnchor) return
    if (paths.length === MAX_PATHS || below.length > MAX_DEPTH || below.includes(identity)) return
    for (const issuer of issuers) walk([...below, identity], issuer)
  }
  for (const issuer of issuers) walk(below, issuer)
  return paths
}

function parse (bytes: Uint8Array): X509Certificate {
  try {
    return parseCertificate(bytes)
  } catch (thrown) {
    throw located(invalid(`OpenSSL cannot read it (${reasonOf(thrown)})`), {}, thrown)
  }
}

/** @param others candidates for its issuers, examined when `issuers` is first read */
function readAuthority (x509: X509Certificate, anchors: AnchorPolicy, others: readonly Authority[]): Authority {
  const bytes = x509.raw
  const layout = readCertificate(bytes)
  let keyId: string | undefined
  let usage = KEY_CERT_SIGN | CRL_SIGN
  for (const extension of certificateExtensions(bytes, layout)) {
    if (extension.id === SUBJECT_KEY_IDENTIFIER) keyId = readSubjectKeyId(bytes, extension)
    if (extension.id === KEY_USAGE) {
      const bits = expectTag(bytes, extension.value.content, extension.value.end, BIT_STRING)
      usage = bytes[bits.content + 1] ?? 0
    }
  }
  const key = publicKeyOf(x509)
  const identity = identifyCertificate(bytes)
  // These are read now, so that an unreadable certificate is left out at once and does not throw
  // later.
  const { issuer } = identity.subject
  const { ends } = readValidity(x509)
  const isSelfSigned = x509.checkIssued(x509) && x509.verify(key)
  let issuers: readonly Authority[] | undefined
  return {
    x509,
    identity,
    key,
    kind: readPublicKey(bytes),
    name: nameKey(bytes, layout.subject),
    keyId,
    signsCrls: (usage & CRL_SIGN) !== 0,
    // A root of version 1 has no basicConstraints. OpenSSL accepts it as an authority too.
    signsCertificates: (x509.ca || isSelfSigned) && (usage & KEY_CERT_SIGN) !== 0,
    isAnchor: anchors === 'any' || isSelfSigned,
    isSelfSigned,
    notAfter: ends,
    get issuers () {
      // Compare names before signatures: a thousand authorities make a million pairs.
      issuers ??= others.filter((other) => other !== this && other.signsCertificates && other.name === issuer &&
        x509.checkIssued(other.x509) && x509.verify(other.key))
      return issuers
    }
  }
}
