/** A certificate in DER, as node:crypto shows it. */
import { X509Certificate } from 'node:crypto'
import { SEQUENCE } from './der.js'

/**
 * Parses the certificate that bytes hold, and not one that stands in it.
 *
 * Given DER, Node looks for a PEM certificate anywhere within it first. So whoever gets a text of his own into his
 * certificate, a name for example, could have somebody else's taken for it: looked at, and revoked in its place.
 *
 * @throws what OpenSSL throws for bytes that are no certificate
 */
export function parseCertificate (bytes: Uint8Array): X509Certificate {
  // PEM, or nothing at all.
  if (bytes[0] !== SEQUENCE) return new X509Certificate(bytes)
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return new X509Certificate(`-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`)
}
