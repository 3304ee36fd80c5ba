/**
 * A PKI for development: a CA, a server certificate for localhost, and two client certificates. It is created once;
 * delete the folder to get a new one. Not for production: the key of the CA is thrown away, and the others are not
 * protected.
 */
import 'reflect-metadata'
import { X509Certificate, webcrypto } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY = 24 * 60 * 60 * 1000

x509.cryptoProvider.set(webcrypto)

/**
 * Makes sure that `folder` contains ca.pem, server.pem, alice.pem and mallory.pem with their keys (server.key, …), and
 * the revocation list revoked.txt.
 */
export async function ensureDevelopmentPki (folder: string): Promise<void> {
  if (await isUsable(join(folder, 'ca.pem'))) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const ca = await makeCertificate('Development CA', [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)
  ])
  await issue(folder, 'server', [
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension([
      { type: 'dns', value: 'localhost' }, { type: 'ip', value: '127.0.0.1' }, { type: 'ip', value: '::1' }
    ])
  ], ca)
  for (const name of ['alice', 'mallory']) {
    await issue(folder, name, [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])], ca)
  }
  await writeFile(join(folder, 'revoked.txt'), '# One pattern a line: the certificates in the files that it matches are revoked.\n')
  // Last: isUsable takes it as the sign that all other files are there.
  await writeFile(join(folder, 'ca.pem'), ca.certificate.toString('pem') + '\n')
}

interface Issuer {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

async function isUsable (file: string): Promise<boolean> {
  try {
    return Date.parse(new X509Certificate(await readFile(file)).validTo) > Date.now() + DAY
  } catch {
    return false
  }
}

async function issue (folder: string, name: string, extensions: x509.Extension[], ca: Issuer): Promise<void> {
  const { certificate, keys } = await makeCertificate(name, extensions, ca)
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  await writeFile(join(folder, `${name}.key`), key + '\n', { mode: 0o600 })
  await writeFile(join(folder, `${name}.pem`), certificate.toString('pem') + '\n')
}

async function makeCertificate (name: string, extensions: x509.Extension[], ca?: Issuer): Promise<Issuer> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: ca?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + 365 * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: (ca?.keys ?? keys).privateKey,
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((ca?.keys ?? keys).publicKey)
    ]
  })
  return { certificate, keys }
}
