/** A client is good if at least one path to an anchor holds no revoked certificate. */
import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, SubjectKeyIdentifierExtension, X509CertificateGenerator } from '@peculiar/x509'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { asClient, bytesFor, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, generateKeyPair, type Authority, type Issued } from '../support/pki.js'

async function isServed (t: Test, site: Site, leaf: Issued, sent: readonly string[]): Promise<boolean> {
  const { port } = await startApp(t, site.endpoint(), (app) => { app.get('/', async () => 'served') })
  const answer = await bytesFor(port, asClient(site, { chain: leaf.certificate + sent.join(''), key: leaf.key }), 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  return answer.includes('served')
}

async function revoke (site: Site, name: string, { certificate }: Authority): Promise<void> {
  await writeFile(site.path(`${name}.pem`), certificate)
  await site.revoke(`${name}.pem`)
}

t.test('the clients below a revoked intermediate are rejected', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
  t.ok(await isServed(t, site, leaf, [intermediate.certificate]))
  await revoke(site, 'intermediate', intermediate)
  t.notOk(await isServed(t, site, leaf, [intermediate.certificate]))
})

t.test('a forged copy of a revoked intermediate does not replace it', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
  // The attacker's own CA, with the name of the real one, issues it with the same name and key identifiers.
  const ownCa = await createAuthority({ name: 'Test CA' })
  const twin = await createAuthority({ name: 'Intermediate', issuer: ownCa, keyPair: intermediate.keyPair })
  await revoke(site, 'intermediate', intermediate)
  t.notOk(await isServed(t, site, leaf, [twin.certificate, intermediate.certificate]))
  t.notOk(await isServed(t, site, leaf, [intermediate.certificate, twin.certificate]))
})

t.test('a non-CA certificate with the key and name of a revoked intermediate does not replace it', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
  const noCa = await createNoCa(site.ca, intermediate)
  // OpenSSL finds its path through the copy among the authorities, whatever the client sends.
  await writeFile(site.path('ca.pem'), site.ca.certificate + intermediate.certificate)
  t.ok(await isServed(t, site, leaf, [noCa]))
  await revoke(site, 'intermediate', intermediate)
  t.notOk(await isServed(t, site, leaf, [noCa]))
})

t.test('a certificate that is not valid yet does not replace the one of a revoked intermediate', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
  const later = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair: intermediate.keyPair, notBefore: new Date(Date.now() + 86_400_000) })
  await writeFile(site.path('ca.pem'), site.ca.certificate + intermediate.certificate)
  t.ok(await isServed(t, site, leaf, [later.certificate]))
  await revoke(site, 'intermediate', intermediate)
  t.notOk(await isServed(t, site, leaf, [later.certificate]))
})

t.test('a cross-signed authority is good until both of its certificates are revoked', async (t) => {
  const site = await makeSite(t)
  const { one, other, leaf } = await trustCrossSigned(site)
  t.ok(await isServed(t, site, leaf, []))
  await revoke(site, 'one', one)
  t.ok(await isServed(t, site, leaf, []))
  await revoke(site, 'other', other)
  t.notOk(await isServed(t, site, leaf, []))
})

t.test('the key of a cross-signed authority revokes all of its certificates', async (t) => {
  const site = await makeSite(t)
  const { one, leaf } = await trustCrossSigned(site)
  await site.revoke(`spki:${identifyCertificate(one.der).spki}`)
  t.notOk(await isServed(t, site, leaf, []))
})

t.test('with revocationDepth=leaf a revoked intermediate does not count, and a revoked leaf does', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
  await revoke(site, 'intermediate', intermediate)
  const shallow: Site = { ...site, endpoint: () => `${site.endpoint()}:revocationDepth=leaf` }
  t.ok(await isServed(t, shallow, leaf, [intermediate.certificate]))
  await writeFile(site.path('leaf.pem'), leaf.certificate)
  await site.revoke('leaf.pem')
  t.notOk(await isServed(t, shallow, leaf, [intermediate.certificate]))
})

t.test('a trust anchor is not revoked by the list, but a client certificate that is its own anchor is', async (t) => {
  const site = await makeSite(t)
  await revoke(site, 'root', site.ca)
  t.ok(await isServed(t, site, site.alice, []))
  // Self-signed and pinned: the file of authorities holds it.
  const keyPair = await generateKeyPair()
  const pinned = await createPinned(keyPair)
  await writeFile(site.path('ca.pem'), site.ca.certificate + pinned.certificate)
  t.ok(await isServed(t, site, pinned, []))
  await writeFile(site.path('pinned.pem'), pinned.certificate)
  await site.revoke('pinned.pem')
  t.notOk(await isServed(t, site, pinned, []))
})

/** A self-signed client certificate. */
async function createPinned (keyPair: Issued['keyPair']): Promise<Issued> {
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=pinned',
    keys: keyPair,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]
  })
  const pem = `${certificate.toString('pem')}\n`
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keyPair.privateKey))
  const x509 = new X509Certificate(pem)
  return { certificate: pem, chain: pem, key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`, der: x509.raw, x509, keyPair }
}

/** A certificate for the name and key of an authority, but with CA:FALSE and without a key usage. */
async function createNoCa (issuer: Authority, { keyPair }: Authority): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Intermediate',
    issuer: issuer.x509.subject,
    publicKey: keyPair.publicKey,
    signingKey: issuer.keyPair.privateKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new BasicConstraintsExtension(false, undefined, true), await SubjectKeyIdentifierExtension.create(keyPair.publicKey)]
  })
  return `${certificate.toString('pem')}\n`
}

/** One authority with certificates of two roots, all of them trusted, and a client below it. */
async function trustCrossSigned (site: Site): Promise<{ one: Authority, other: Authority, leaf: Issued }> {
  const second = await createAuthority({ name: 'Second root' })
  const keyPair = await generateKeyPair()
  const [one, other] = [await createAuthority({ name: 'Cross', issuer: site.ca, keyPair }), await createAuthority({ name: 'Cross', issuer: second, keyPair })]
  const leaf = await one.issue({ name: 'client', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + second.certificate + one.certificate + other.certificate)
  return { one, other, leaf }
}
