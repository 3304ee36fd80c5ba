/**
 * The keys that identify a revoked certificate.
 *
 * The fingerprint does not: the holder of a certificate signed with ECDSA can turn the signature (r, s) into (r, n − s), and
 * the result verifies with another fingerprint. The hash of the signed part as received, the TBSCertificate, stays the same
 * and cannot be changed without the issuer.
 */
import type { CertificateIdentity } from '../../types/revocation.js'
import { hash } from 'node:crypto'
import { checkCertificate } from './certificate-structure.js'
import { type CrlSubject, readSubject } from './subject.js'
import { readSubjectNames, type SubjectNames } from './subject-names.js'
import { readCertificate, type CertificateLayout, type DerElement } from './der.js'
import { parseCertificate } from './parsed-certificate.js'

/** The keys of a certificate, and what a lookup in CRLs needs. */
export interface IdentifiedCertificate extends CertificateIdentity {
  /** The whole certificate; must not be changed. */
  readonly der: Uint8Array
  /** @throws FST_ENDPOINT_DER_INVALID if its extensions cannot be read */
  readonly subject: CrlSubject
  /** The names of its subject. */
  readonly names: SubjectNames
}

/**
 * The keys of a certificate. Takes about 2 µs, because every handshake does it: `serial`, `spki`, `subject` and `names` are
 * computed at the first access.
 *
 * @param der the certificate, which must not be changed afterwards
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function identifyCertificate (der: Uint8Array): IdentifiedCertificate {
  return new Identity(der, readCertificate(der))
}

/**
 * The `tbs` of a certificate from a file. A file may hold anything, so the whole structure is checked.
 *
 * In doubt, OpenSSL decides: it accepts more than DER (a SET of indefinite length within a name, for example), and a
 * client can present what OpenSSL accepts. A CA that copies names unchanged issues such a certificate on request, and
 * it must be possible to revoke it.
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
  #names: SubjectNames | undefined

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

  get names (): SubjectNames {
    this.#names ??= readSubjectNames(this.der)
    return this.#names
  }
}

function digest (der: Uint8Array, { start, end }: DerElement): string {
  return `sha256//${hash('sha256', der.subarray(start, end), 'base64')}`
}

/**
 * A serial number as part of a key. RFC 5280 section 4.1.2.2 requires a positive number of at most 20 bytes; certificates
 * that break either rule exist, and must be revocable.
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
