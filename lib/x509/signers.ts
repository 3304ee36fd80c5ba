/**
 * Who may sign CRLs: the authorities, as far as a path of signatures leads from them to a trust anchor
 * (RFC 5280 section 6.3.3 (f)).
 *
 * Only what the operator has put among the authorities counts, never what a client sends: so a CRL is
 * verified once, when it is loaded.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'
import { located, reasonOf } from '../errors.js'
import { type PublicKey, publicKeyOf, readPublicKey } from './public-key.js'
import { readValidity } from './validity.js'
import { BIT_STRING, certificateExtensions, expect, invalid, readCertificate } from './der.js'
import { identifyCertificate, type IdentifiedCertificate } from './identity.js'
import { parseCertificate } from './parsed-certificate.js'
import { readSubjectKeyId } from './extensions.js'
import { nameKey } from './name.js'

/** Which of the authorities are trust anchors: the argument `anchors` of a `tls:` endpoint. */
export type AnchorPolicy = 'self-signed' | 'any'

/** One certificate of the authorities. */
export interface Signer {
  readonly identity: IdentifiedCertificate
  readonly certificate: X509Certificate
  readonly key: KeyObject
  /** What its key is. */
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
  /** Those among the authorities that have signed it, itself excepted. */
  readonly issuers: readonly Signer[]
}

const SUBJECT_KEY_IDENTIFIER = 14
const KEY_USAGE = 15
/** Bits of keyUsage (RFC 5280 section 4.2.1.3), in the order of its first byte. */
const KEY_CERT_SIGN = 0b0000_0100
const CRL_SIGN = 0b0000_0010

/** The authorities, read, and as they were. */
export interface SignerSet {
  readonly signers: readonly Signer[]
  /** In DER, for another thread. */
  readonly certificates: readonly Uint8Array[]
  readonly anchors: AnchorPolicy
  /** The same for two sets exactly if their certificates and their anchors are the same. */
  readonly digest: string
}

export const NO_SIGNERS: SignerSet = { signers: [], certificates: [], anchors: 'self-signed', digest: '' }

/** The signers among the authorities, and those that are none. */
export interface SignersRead extends SignerSet {
  readonly leftOut: readonly LeftOut[]
}

/** An authority that can vouch for nobody here. */
export interface LeftOut {
  /** Which of those that were given, from 0. */
  readonly index: number
  readonly certificate: X509Certificate
  /** As `checkSigner` throws it. */
  readonly problem: Error
}

/**
 * Reads the authorities. Those that cannot be read as such are left out: they are none of the set.
 *
 * @throws FST_ENDPOINT_DER_INVALID for bytes that are no certificate
 */
export function readSigners (authorities: ReadonlyArray<X509Certificate | Uint8Array>, anchors: AnchorPolicy = 'self-signed'): SignersRead {
  const certificates: X509Certificate[] = []
  const links: Signer[][] = []
  const signers: Signer[] = []
  const leftOut: LeftOut[] = []
  for (const [index, authority] of authorities.entries()) {
    const certificate = authority instanceof Uint8Array ? parse(authority) : authority
    const issuers: Signer[] = []
    try {
      signers.push(readSigner(certificate, issuers, anchors))
      certificates.push(certificate)
      links.push(issuers)
    } catch (thrown) {
      leftOut.push({ index, certificate, problem: thrown as Error })
    }
  }
  for (const [index, certificate] of certificates.entries()) {
    for (const [other, issuer] of certificates.entries()) {
      const signer = signers[other] as Signer
      // By name first: with a thousand authorities there are a million pairs.
      if (index === other || !signer.signsCertificates || signers[index]?.identity.subject.issuer !== signer.name) continue
      if (certificate.checkIssued(issuer) && certificate.verify(signer.key)) links[index]?.push(signer)
    }
  }
  return {
    signers,
    certificates: certificates.map(({ raw }) => raw),
    anchors,
    digest: createHash('sha256').update([anchors, ...signers.map(({ identity }) => identity.tbs)].join('\n')).digest('base64'),
    leftOut
  }
}

/**
 * What an authority would be as one of the signers.
 *
 * @throws FST_ENDPOINT_PUBLIC_KEY for a key that is not sound, or that this Node.js cannot read; FST_ENDPOINT_DER_INVALID
 *   for times and extensions that cannot be read
 */
export function checkSigner (certificate: X509Certificate): Pick<Signer, 'identity' | 'isSelfSigned'> {
  return readSigner(certificate, [], 'self-signed')
}

function parse (bytes: Uint8Array): X509Certificate {
  try {
    return parseCertificate(bytes)
  } catch (thrown) {
    throw located(invalid(`OpenSSL cannot read it (${reasonOf(thrown)})`), {}, thrown)
  }
}

function readSigner (certificate: X509Certificate, issuers: readonly Signer[], anchors: AnchorPolicy): Signer {
  const bytes = certificate.raw
  const layout = readCertificate(bytes)
  let keyId: string | undefined
  let usage = KEY_CERT_SIGN | CRL_SIGN
  for (const extension of certificateExtensions(bytes, layout)) {
    if (extension.id === SUBJECT_KEY_IDENTIFIER) keyId = readSubjectKeyId(bytes, extension)
    if (extension.id === KEY_USAGE) {
      const bits = expect(bytes, extension.value.content, extension.value.end, BIT_STRING)
      usage = bytes[bits.content + 1] ?? 0
    }
  }
  const key = publicKeyOf(certificate)
  const identity = identifyCertificate(bytes)
  // Read here, so that nothing of it throws later.
  void identity.subject // eslint-disable-line no-void
  const { ends } = readValidity(certificate)
  const isSelfSigned = certificate.checkIssued(certificate) && certificate.verify(key)
  return {
    identity,
    certificate,
    key,
    kind: readPublicKey(bytes),
    name: nameKey(bytes, layout.subject),
    keyId,
    signsCrls: (usage & CRL_SIGN) !== 0,
    // A root of version 1 has no extension that says so; OpenSSL takes it for an authority too.
    signsCertificates: (certificate.ca || isSelfSigned) && (usage & KEY_CERT_SIGN) !== 0,
    isAnchor: anchors === 'any' || isSelfSigned,
    isSelfSigned,
    notAfter: ends,
    issuers
  }
}

/**
 * The anchors that each authority's paths reach, with the time until which the longest-lived of them holds.
 *
 * @param isExcluded those that no path may lead through
 */
export function anchorsOf (signers: readonly Signer[], isExcluded: (signer: Signer) => boolean): Map<Signer, ReadonlyMap<string, number>> {
  const reached = new Map<Signer, Map<string, number>>(signers.map((signer) => [signer, new Map()]))
  let isSettled = false
  // Each round takes the paths one step further, and no path is longer than there are authorities.
  while (!isSettled) {
    isSettled = true
    for (const [signer, anchors] of reached) {
      if (isExcluded(signer)) continue
      const found: Array<[string, number]> = signer.isAnchor ? [[signer.identity.tbs, signer.notAfter]] : []
      for (const issuer of signer.issuers) {
        for (const [anchor, notAfter] of reached.get(issuer) ?? []) found.push([anchor, Math.min(notAfter, signer.notAfter)])
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
