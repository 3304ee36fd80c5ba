/**
 * Makes thousands of certificates quickly: copies of one, each with its own serial number and signature.
 *
 *     const certificates = serialNumbers(device.der, root)
 *     writeFileSync('device-7.pem', certificates(7))
 */
import { createPrivateKey, sign } from 'node:crypto'
import { readCertificate, readElement } from '../../lib/x509/der.js'
import { element } from './pki.js'

/**
 * Gives the PEM of a certificate with a serial number of its own for each index.
 *
 * @param certificate the original; its serial number has at least eight bytes
 * @param issuer has an ECDSA key
 */
export function serialNumbers (certificate: Buffer, issuer: { key: string }): (index: number) => string {
  const key = createPrivateKey(issuer.key)
  const { tbs: { start, end }, serialNumber } = readCertificate(certificate)
  const algorithm = certificate.subarray(end, readElement(certificate, end, certificate.length).end)
  const tbs = Buffer.from(certificate.subarray(start, end))
  return (index) => {
    tbs.writeUInt32BE(index, serialNumber.end - start - 4)
    const signature = element(0x03, Buffer.of(0), sign('sha256', tbs, key))
    const base64 = element(0x30, tbs, algorithm, signature).toString('base64')
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  }
}
