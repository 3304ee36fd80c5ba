import { createPrivateKey } from 'node:crypto'
import * as pki from '../support/pki.js'
import t from 'tap'
import { readRevocationFile, type FileRevocations } from '../../lib/revocation/files/file-content.js'

const authority = await pki.createAuthority()
const alice = await authority.issue({ name: 'alice' })
async function read (bytes: string | Uint8Array): Promise<FileRevocations> {
  return readRevocationFile({ bytes: Buffer.from(bytes as Uint8Array), what: 'the file', location: { file: 'x' }, signers: [], limit: 10 })
}

function block (label: string, bytes: Uint8Array = Buffer.alloc(3)): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`
}

const truncated = alice.der.subarray(0, -1)
const invalid: Array<[name: string, bytes: string | Uint8Array, problem: string | RegExp]> = [
  ['a text', 'hello', 'it holds no certificate and no CRL, neither as PEM nor as DER'],
  ['a private key', alice.key, 'it holds only a private key: give a certificate or a CRL'],
  ['a key and its request', block('PUBLIC KEY') + block('CERTIFICATE REQUEST'), 'it holds only a public key and a certificate request: give a certificate or a CRL'],
  ['PKCS #7 next to a certificate', alice.certificate + block('PKCS7'), /line \d+: it holds a block of type PKCS7, which cannot be read: convert it to certificates or CRLs/],
  ['CMS', block('CMS'), 'line 1: it holds a block of type CMS, which cannot be read: convert it to certificates or CRLs'],
  ['an unknown label', alice.certificate + block('CERTIFIKATE'), /it holds a block of type CERTIFIKATE/],
  ['half a PEM block', alice.certificate.slice(0, 300), 'line 1: BEGIN CERTIFICATE without its END'],
  ['an invalid certificate', block('CERTIFICATE'), 'line 1: A certificate or CRL is not valid DER: tag 0 where 48 belongs'],
  ['a cut-short certificate as PEM', block('CERTIFICATE', truncated), /^line 1: A certificate or CRL is not valid DER: it is cut short/],
  ['data after a certificate within PEM', block('CERTIFICATE', Buffer.concat([alice.der, Buffer.of(0)])), /extra data follows it/],
  ['a trusted certificate without a certificate', block('TRUSTED CERTIFICATE', Buffer.of(0x30)), /^line 1: A certificate or CRL is not valid DER: it is cut short/],
  ['a cut-short certificate as DER', truncated, 'A certificate or CRL is not valid DER: it is cut short'],
  ['garbage after DER', Buffer.concat([alice.der, Buffer.from('#')]), `something that is not DER follows at byte ${alice.der.length}`],
  ['a certificate that OpenSSL does not read', Buffer.from(alice.der).fill(0xff, 30, 60), /not valid DER/],
  ['a private key as DER', createPrivateKey(alice.key).export({ type: 'pkcs8', format: 'der' }), 'it holds a private key or a PKCS #12 bundle: give certificates or CRLs'],
  ['PKCS #7 as DER', pki.element(0x30, pki.element(0x06, Buffer.from('2a864886f70d010702', 'hex')), pki.element(0xa0, Buffer.alloc(200))), 'it holds a PKCS #7 bundle: give certificates or CRLs'],
  ['UTF-16', Buffer.from(`\ufeff${alice.certificate}`, 'utf16le'), 'it is UTF-16 text: save it as UTF-8'],
  ['zeros', Buffer.alloc(1000), 'it holds no certificate and no CRL, neither as PEM nor as DER']
]

for (const [name, bytes, problem] of invalid) {
  t.test(`a file is rejected: ${name}`, async (t) => {
    await t.rejects(read(bytes), {
      code: 'FST_ENDPOINT_FILE_INVALID',
      message: typeof problem === 'string' ? `the file: ${problem}` : new RegExp(`^the file: .*${problem.source.replace('^', '')}`),
      file: 'x'
    })
  })
}

t.test('an empty file is an error of its own, since a file is empty while it is copied', async (t) => {
  await t.rejects(read(Buffer.alloc(0)), { code: 'FST_ENDPOINT_FILE_EMPTY', message: 'the file is empty: write it under another name and rename it, or remove it', file: 'x' })
})

t.test('an error message never contains the content of a file', async (t) => {
  for (const [, bytes] of invalid) {
    await t.rejects(read(bytes), { message: /^(?!.*(hello|MII))/ })
  }
})
