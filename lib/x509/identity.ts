/**
 * What a revoked certificate is known by.
 *
 * Not by its fingerprint: whoever holds a certificate that was signed with ECDSA can turn the
 * signature (r, s) into (r, n − s), and has a certificate with another fingerprint that verifies as
 * well. The hash of the signed part as received, the TBSCertificate, stays the same, and cannot be
 * changed without the issuer.
 */
import type { CertificateIdentity } from '../../types/revocation.js'
import { hash } from 'node:crypto'
import { checkCertificate } from './certificate-structure.js'
import { type CrlSubject, readSubject } from './subject.js'
import { readCertificate, type CertificateLayout, type DerElement } from './der.js'
import { parseCertificate } from './parsed-certificate.js'

/** The keys of a certificate, and what CRLs are asked about it. */
export interface IdentifiedCertificate extends CertificateIdentity {
  /** All of it, which must not be changed. */
  readonly der: Uint8Array
  /** @throws FST_ENDPOINT_DER_INVALID if its extensions cannot be read */
  readonly subject: CrlSubject
}

/**
 * The keys of a certificate. Costs about 2 µs, since it is done in every handshake: `serial`, `spki` and
 * `subject` are worked out when they are asked for.
 *
 * @param der the certificate, which must not be changed afterwards
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function identifyCertificate (der: Uint8Array): IdentifiedCertificate {
  return new Identity(der, readCertificate(der))
}

/**
 * The `tbs` of a certificate that comes from a file, and thus may be anything: all of it is looked at.
 *
 * OpenSSL has the last word: it takes more than DER (a set without a stated length within a name, say), and what
 * it takes can be presented. A client that asks for such a name gets it from a CA that copies names as they are,
 * and must not thereby become one that cannot be revoked.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function identifyWholeCertificate (der: Uint8Array): string {
  const layout = readCertificate(der)
  try {
    checkCertificate(der, layout)
  } catch (thrown) {
    if (!isReadByOpenssl(der)) throw thrown
  }
  return digest(der, layout.tbs)
}

function isReadByOpenssl (der: Uint8Array): boolean {
  try {
    return parseCertificate(der).raw.length > 0
  } catch {
    return false
  }
}

class Identity implements IdentifiedCertificate {
  readonly tbs: string
  readonly der: Uint8Array
  readonly #layout: CertificateLayout
  #serial: string | undefined
  #spki: string | undefined
  #subject: CrlSubject | undefined

  constructor (der: Uint8Array, layout: CertificateLayout) {
    this.der = der
    this.#layout = layout
    this.tbs = digest(der, layout.tbs)
  }

  get serial (): string {
    const { serialNumber, issuer } = this.#layout
    this.#serial ??= `${hexOf(this.der.subarray(serialNumber.content, serialNumber.end))}@${digest(this.der, issuer)}`
    return this.#serial
  }

  get spki (): string {
    this.#spki ??= digest(this.der, this.#layout.subjectPublicKeyInfo)
    return this.#spki
  }

  get subject (): CrlSubject {
    this.#subject ??= readSubject(this.der, this.#layout)
    return this.#subject
  }
}

function digest (der: Uint8Array, { start, end }: DerElement): string {
  return `sha256//${hash('sha256', der.subarray(start, end), 'base64')}`
}

/**
 * A serial number as a key has it. RFC 5280 section 4.1.2.2 wants it positive and of at most 20
 * bytes; certificates that keep neither rule exist, and must be revocable.
 */
function hexOf (content: Uint8Array): string {
  const hex = Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('hex')
  if ((content[0] ?? 0) < 0x80) return trimHex(hex)
  const magnitude = (1n << BigInt(content.length * 8)) - BigInt(`0x${hex}`)
  return `-${magnitude.toString(16)}`
}

/** Without leading zeros. */
export function trimHex (hex: string): string {
  return hex.replace(/^0+(?=.)/, '')
}
