/**
 * The file of authorities: whom a client certificate must come from.
 *
 * Self-signed certificates are trust anchors; the others only complete paths (and may sign CRLs).
 * OpenSSL treats the two in the same way, as long as it is not told to accept partial chains.
 */
import { X509Certificate } from 'node:crypto'
import { errors, located, reasonOf } from '../errors.js'
import { readPemBlocks } from '../pem.js'
import { identifyCertificate, type IdentifiedCertificate } from '../revocation/identity.js'
import { isSignedBy } from '../x509/public-key.js'

export interface Authority {
  readonly x509: X509Certificate
  /** The file that it stands in. */
  readonly file: string
  readonly identity: IdentifiedCertificate
  /** A path may end here. */
  readonly anchor: boolean
}

/** Labels under which OpenSSL's PEM reader takes a certificate (RFC 7468 section 5.1 names the first and the second). */
const CERTIFICATE_LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/**
 * The authorities of a PEM file.
 * @param bytes the content of the file
 * @param file its path, for errors
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_NO_ANCHOR, FST_ENDPOINT_FILE_INVALID
 */
export function readAuthorities (bytes: Buffer, file: string): Authority[] {
  const authorities = readCertificates(bytes, 'authorities', file).map((x509) => toAuthority(x509, file))
  if (!authorities.some(({ anchor }) => anchor)) {
    throw located(new errors.FST_ENDPOINT_NO_ANCHOR(file, 'none of its certificates is self-signed, so no client could ever be trusted: add the root'), { argument: 'authorities', file })
  }
  return authorities
}

function toAuthority (x509: X509Certificate, file: string): Authority {
  return {
    x509,
    file,
    identity: identifyCertificate(x509.raw),
    anchor: x509.checkIssued(x509) && isSignedBy(x509, x509)
  }
}

/** Whether they are the same, in the same order. */
export function haveSameAuthorities (some: readonly Authority[], others: readonly Authority[]): boolean {
  return some.length === others.length && some.every(({ identity }, index) => identity.tbs === others[index]?.identity.tbs)
}

/**
 * All certificates of a PEM file, in its order.
 * @param argument the argument of the endpoint string that names the file
 * @throws FST_ENDPOINT_CERTIFICATE_INVALID, FST_ENDPOINT_FILE_INVALID
 */
export function readCertificates (bytes: Buffer, argument: string, file: string): X509Certificate[] {
  const location = { argument, file }
  const blocks = readPemBlocks(bytes, `${argument} "${file}"`, location)
  const certificates = blocks.filter(({ label }) => CERTIFICATE_LABELS.has(label))
  if (certificates.length === 0) {
    const found = blocks.length === 0 ? 'no PEM block' : `only ${[...new Set(blocks.map(({ label }) => label))].join(', ')}`
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, `it holds ${found}: give a PEM file with -----BEGIN CERTIFICATE-----`), location)
  }
  return certificates.map(({ text, line }) => {
    try {
      return new X509Certificate(text)
    } catch (error) {
      throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID(argument, file, `the certificate at line ${line} cannot be parsed (${reasonOf(error)})`), { ...location, line }, error)
    }
  })
}
