import { X509Certificate } from 'node:crypto'
import * as pki from '../support/pki.js'
import t from 'tap'
import { readRevocationFile } from '../../lib/revocation/files/file-content.js'
import { identifyCertificate } from '../../lib/x509/identity.js'

const authority = await pki.createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })
const both = [alice, bob].map(({ der }) => identifyCertificate(der).tbs)

async function tbsOf (bytes: Buffer | string): Promise<readonly string[]> {
  return (await readRevocationFile({ bytes: Buffer.from(bytes as string), what: 'the file', location: {}, signers: [], limit: 10 })).tbs
}

function relabel (pem: string, label: string): string {
  return pem.replaceAll(' CERTIFICATE-', ` ${label}-`)
}

t.test('a file may hold several PEM certificates', async (t) => {
  t.same(await tbsOf(alice.certificate + bob.certificate), both)
})

t.test('a file may hold PEM with the old label', async (t) => {
  t.same(await tbsOf(relabel(alice.certificate, 'X509 CERTIFICATE') + bob.certificate), both)
})

t.test('a file may hold trusted certificates of OpenSSL, whose extra data is ignored', async (t) => {
  const trusted = Buffer.concat([alice.der, pki.element(0x30, pki.element(0x0c, Buffer.from('my name for it')))])
  const pem = `-----BEGIN TRUSTED CERTIFICATE-----\n${trusted.toString('base64')}\n-----END TRUSTED CERTIFICATE-----\n`
  t.ok(new X509Certificate(pem), 'OpenSSL reads it')
  t.same(await tbsOf(pem), both.slice(0, 1))
})

t.test('keys, parameters and requests beside a certificate are ignored', async (t) => {
  const beside = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'EC PRIVATE KEY', 'PUBLIC KEY', 'RSA PUBLIC KEY', 'EC PARAMETERS', 'DH PARAMETERS', 'CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST']
    .map((label) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`).join('')
  t.same(await tbsOf(alice.key + beside + alice.certificate + beside + bob.certificate), both)
})

t.test('a file may hold one or several DER certificates', async (t) => {
  t.same(await tbsOf(alice.der), both.slice(0, 1))
  t.same(await tbsOf(Buffer.concat([alice.der, bob.der])), both)
})

t.test('text that begins with a zero is not read as DER', async (t) => {
  t.same(await tbsOf(`0 is the first\n${alice.certificate}`), both.slice(0, 1))
})

t.test('a certificate is not hidden by a certificate inside it', async (t) => {
  // An attacker that chooses a part of a certificate could hide a PEM block there, and OpenSSL would read that.
  const text = `\n${bob.certificate}`
  const hiding = await authority.issue({ name: 'mallory', extensions: [new pki.Extension('1.2.3.4', false, Buffer.from(text))] })
  t.equal(new X509Certificate(hiding.der).subject, 'CN=bob', 'as Node does')
  t.same(await tbsOf(hiding.der), [identifyCertificate(hiding.der).tbs])
})
