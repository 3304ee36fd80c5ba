/** Parses a certificate in DER with node:crypto. */
import { X509Certificate } from 'node:crypto'
import { SEQUENCE } from './der.js'

/**
 * Parses the certificate in the bytes, and never one that is embedded in it.
 *
 * Node looks for a PEM certificate anywhere within DER first. So a client that chooses a text in its certificate, for
 * example a name, could make Node read, and the list revoke, another certificate instead.
 *
 * @throws what OpenSSL throws for bytes that are not a certificate
 */
export function parseCertificate (bytes: Uint8Array): X509Certificate {
  // PEM, or nothing at all.
  if (bytes[0] !== SEQUENCE) return new X509Certificate(bytes)
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  return new X509Certificate(`-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`)
}
