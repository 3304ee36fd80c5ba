/** Reads the file with a client's certificate: PEM or DER, the client's own certificate first. */
import type { X509Certificate } from 'node:crypto'
import { errors, located, reasonOf } from '../errors.js'
import { PEM_FILE_LIMIT, readSettledFile } from '../files.js'
import { identifyCertificate } from '../x509/identity.js'
import { isDer } from '../x509/der.js'
import { parseCertificate } from '../x509/parsed-certificate.js'
import { readCertificateFile as readPemFile } from '../x509/certificate-files.js'
import { quotePath } from '../text/printable.js'

/**
 * The certificates of a file, at least one.
 * @throws FST_ENDPOINT_FILE_*, FST_ENDPOINT_CERTIFICATE_INVALID
 */
export async function readCertificateFile (file: string): Promise<[X509Certificate, ...X509Certificate[]]> {
  const what = `certificate ${quotePath(file)}`
  const { bytes } = await readSettledFile(file, { what, limit: PEM_FILE_LIMIT })
  const certificates = isDer(bytes)
    ? [readDer(bytes, file)]
    : readPemFile(bytes, 'certificate', file, true).certificates.map(({ x509 }) => x509)
  for (const { raw } of certificates) identifyCertificate(raw)
  return certificates as [X509Certificate, ...X509Certificate[]]
}

function readDer (bytes: Buffer, file: string): X509Certificate {
  try {
    identifyCertificate(bytes)
    return parseCertificate(bytes)
  } catch (thrown) {
    throw located(new errors.FST_ENDPOINT_CERTIFICATE_INVALID('certificate', file, reasonOf(thrown)), { file }, thrown)
  }
}
