import { expect, OBJECT_IDENTIFIER, readCertificate, readElement } from './der.js'

/** By the object identifier of the signature's algorithm, in hexadecimal. */
const WEAK_HASHES = new Map([
  ['2a864886f70d010104', 'MD5'],
  ['2a864886f70d010105', 'SHA-1'],
  ['2a8648ce3d0401', 'SHA-1'],
  ['2a8648ce380403', 'SHA-1']
])

/**
 * The hash of a certificate's signature, if it is one that can be forged.
 * @param der the certificate
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function weakHashOf (der: Buffer): string | undefined {
  const { tbs } = readCertificate(der)
  const algorithm = readElement(der, tbs.end, der.length)
  const { content, end } = expect(der, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
  return WEAK_HASHES.get(der.toString('hex', content, end))
}
