import { createHash, X509Certificate } from 'node:crypto'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority, element } from '../support/pki.js'

function sha256 (bytes: Uint8Array): string {
  return `sha256//${createHash('sha256').update(bytes).digest('base64')}`
}

t.test('the spki is the hash of the exported public key', async (t) => {
  for (const keyAlgorithm of ['P-256', 'RSA-2048', 'Ed25519'] as const) {
    const { der, x509 } = await createAuthority({ keyAlgorithm })
    t.equal(identifyCertificate(der).spki, sha256(x509.publicKey.export({ type: 'spki', format: 'der' })), keyAlgorithm)
  }
})

t.test('the serial number is the one that OpenSSL prints, without leading zeros, with the hash of the name of the issuer', async (t) => {
  const issuer = await createAuthority({ name: 'Issuer' })
  for (const serial of ['01', '7f', '80', '0123456789abcdef0123456789abcdef01234567', 'ff00']) {
    const { der, x509 } = await issuer.issue({ name: 'x', serial })
    const [hex, hash] = identifyCertificate(der).serial.split('@')
    t.equal(hex, x509.serialNumber.toLowerCase().replace(/^0+/, ''))
    t.equal(hash, identifyCertificate(issuer.der).serial.split('@')[1], 'the root names itself as its issuer')
  }
})

/** A certificate with another serial number. Its signature is invalid, but it is not checked here. */
function withSerial (der: Buffer, content: Uint8Array): Buffer {
  const at = der.indexOf(Buffer.of(0xa0, 0x03, 0x02, 0x01, 0x02))
  const old = 2 + (der[at + 6] ?? 0)
  const tbsEnd = 4 + der.readUInt16BE(6) + 4
  const tbs = element(0x30, der.subarray(at, at + 5), element(0x02, content), der.subarray(at + 5 + old, tbsEnd))
  return element(0x30, tbs, der.subarray(tbsEnd))
}

t.test('negative serial numbers and zero are accepted, though no CA should issue them', async (t) => {
  const { der } = await (await createAuthority()).issue({ name: 'x', serial: '01' })
  for (const [content, expected] of [[[0xff], '-1'], [[0x80], '-80'], [[0xff, 0x7f], '-81'], [[0x80, 0x00], '-8000'], [[0x00], '0'], [[0x00, 0x00, 0x0a], 'a']] as const) {
    const changed = withSerial(der, Uint8Array.from(content))
    const [hex] = identifyCertificate(changed).serial.split('@')
    t.equal(hex, expected)
    if (content.length < 3) t.equal(BigInt(`0x${hex?.replace('-', '')}`), BigInt(`0x${new X509Certificate(changed).serialNumber.replace('-', '')}`), 'OpenSSL agrees')
  }
})

t.test('the tbs is the hash of the signed part', async (t) => {
  const { der } = await createAuthority()
  t.equal(identifyCertificate(der).tbs, sha256(der.subarray(4, 4 + 4 + der.readUInt16BE(6))))
})

t.test('a certificate of version 1 has an identity too', async (t) => {
  const { der } = await (await createAuthority()).issue({ name: 'x', serial: '05' })
  const tbsEnd = 8 + der.readUInt16BE(6)
  // Without its version.
  const changed = element(0x30, element(0x30, der.subarray(13, tbsEnd)), der.subarray(tbsEnd))
  t.match(identifyCertificate(changed).serial, /^5@/)
  t.equal(identifyCertificate(changed).spki, identifyCertificate(der).spki)
})

t.test('a length in more bytes than needed does not hide a certificate', async (t) => {
  const { der } = await createAuthority()
  const longer = Buffer.concat([Buffer.of(0x30, 0x83, 0), der.subarray(2)])
  t.equal(identifyCertificate(longer).tbs, identifyCertificate(der).tbs)
})
