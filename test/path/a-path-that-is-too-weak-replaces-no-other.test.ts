import { createPrivateKey, sign, webcrypto, X509Certificate } from 'node:crypto'
import t from 'tap'
import { isStrong, securityLevelOf } from '../../lib/x509/strength.js'
import { childrenOf, oid } from '../support/crl.js'
import { asClient, makeSite, type Site } from '../support/mutual-tls.js'
import { openGate, type OpenGate } from '../support/open-gate.js'
import { createAuthority, element, generateKeyPair, type Authority, type Issued } from '../support/pki.js'

/** Signs the same certificate again, with another hash. */
function signedWith <C extends Issued> (issued: C, issuer: Issued, hash: string, algorithm: string): C {
  const [tbs] = childrenOf(issued.der) as [Buffer]
  const identifier = element(0x30, oid(algorithm))
  const rewritten = element(0x30, ...childrenOf(tbs).with(2, identifier))
  const der = element(0x30, rewritten, identifier, element(0x03, Buffer.of(0), sign(hash, rewritten, createPrivateKey(issuer.key))))
  const x509 = new X509Certificate(der)
  return { ...issued, certificate: x509.toString(), chain: x509.toString(), der, x509 }
}

async function visit (open: OpenGate, site: Site, leaf: Issued, sent: readonly Issued[]): Promise<string> {
  const chain = [leaf, ...sent].map(({ certificate }) => certificate).join('')
  const { verdict } = await open.visit({ ...asClient(site, { chain, key: leaf.key }), ciphers: 'DEFAULT@SECLEVEL=0' })
  return verdict.admitted ? 'admitted' : verdict.reason
}

const ECDSA_SHA1 = '1.2.840.10045.4.1'
const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
const LEVEL_0 = ':ciphers=DEFAULT@SECLEVEL=0'

for (const [name, hash, algorithm, extra, isTooWeak] of [
  ['with SHA-256', 'sha256', ECDSA_SHA256, '', false],
  ['with SHA-1', 'sha1', ECDSA_SHA1, '', true],
  ['with SHA-1, which the ciphers allow', 'sha1', ECDSA_SHA1, LEVEL_0, false]
] as const) {
  t.test(`an intermediate signed ${name} that another client has sent counts as it does for OpenSSL`, async (t) => {
    const site = await makeSite(t)
    const keyPair = await generateKeyPair()
    const one: Authority = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
    const other = signedWith(await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair }), site.ca, hash, algorithm)
    const [friend, leaf, late] = await Promise.all(['friend', 'leaf', 'late'].map((name) => one.issue({ name, usage: 'client' }))) as [Issued, Issued, Issued]
    const open = await openGate(t, site, extra)
    t.equal(await visit(open, site, friend, [one, other]), 'admitted', 'both are remembered')
    t.equal(await visit(open, site, leaf, [one]), 'admitted')
    open.revoke(one)
    const byOpenSsl = await visit(await openGate(t, site, extra), site, late, [other])
    t.equal(byOpenSsl === 'admitted', !isTooWeak, 'as OpenSSL says about the chain')
    for (const [who, client] of [['a known client', leaf], ['an unknown client', late]] as const) {
      t.equal(await visit(open, site, client, [one]), isTooWeak ? 'certificate_revoked' : 'admitted', who)
    }
  })
}

t.test('an intermediate below a short key that another client has sent replaces no revoked one', async (t) => {
  const site = await makeSite(t)
  const keyPair = await generateKeyPair()
  const short = await webcrypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, true, ['sign', 'verify'])
  const one = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
  const above = await createAuthority({ name: 'Short', issuer: site.ca, keyPair: short as Authority['keyPair'] })
  const other = await createAuthority({ name: 'Intermediate', issuer: above, keyPair })
  const [friend, leaf] = await Promise.all(['friend', 'leaf'].map((name) => one.issue({ name, usage: 'client' }))) as [Issued, Issued]
  const open = await openGate(t, site, ':ciphers=DEFAULT@SECLEVEL=2')
  t.equal(await visit(open, site, friend, [one, other, above]), 'admitted')
  open.revoke(one)
  t.not(await visit(open, site, leaf, [other, above]), 'admitted', 'as OpenSSL says')
  t.equal(await visit(open, site, leaf, [one]), 'certificate_revoked')
  t.notOk(isStrong(above.der, 2, true))
  t.ok(isStrong(above.der, 1, true))
})

t.test('the strength of a path is measured as OpenSSL does it', async (t) => {
  const signers = await Promise.all((['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'] as const).map(async (keyAlgorithm) => [keyAlgorithm, await createAuthority({ keyAlgorithm })] as const))
  const levels = new Map(signers.map(([name, { der }]) => [name, [0, 1, 2, 3, 4, 5].filter((level) => isStrong(der, level, true)).at(-1)]))
  t.same(levels, new Map([['P-256', 3], ['P-384', 4], ['P-521', 5], ['RSA-2048', 2], ['Ed25519', 3]]))
  const [, authority] = signers[0] as (typeof signers)[0]
  for (const [hash, algorithm, level] of [['sha1', ECDSA_SHA1, 0], ['sha224', '1.2.840.10045.4.3.1', 2], ['sha256', ECDSA_SHA256, 3], ['sha256', '1.2.3', 0]] as const) {
    const { der } = signedWith(authority, authority, hash, algorithm)
    t.equal([0, 1, 2, 3, 4, 5].filter((level) => isStrong(der, level, false)).at(-1), level, algorithm)
    t.ok(isStrong(der, 3, true), 'the signature of an anchor is not checked')
  }
  const hash = (last: number): Buffer => element(0xa0, element(0x30, oid(`2.16.840.1.101.3.4.2.${last}`)))
  for (const [parameters, level] of [[[], 0], [[hash(1)], 3], [[hash(2)], 4], [[hash(3)], 5], [[hash(4)], 2]] as const) {
    const [tbs, , signature] = childrenOf(authority.der) as [Buffer, Buffer, Buffer]
    const der = element(0x30, tbs, element(0x30, oid('1.2.840.113549.1.1.10'), element(0x30, ...parameters)), signature)
    t.equal([0, 1, 2, 3, 4, 5].filter((one) => isStrong(der, one, false)).at(-1), Math.min(level, 3), 'of RSASSA-PSS, with a key of P-256')
  }
  t.equal(securityLevelOf(), 2)
  t.equal(securityLevelOf('DEFAULT'), 2)
  t.equal(securityLevelOf('DEFAULT@SECLEVEL=0'), 0)
  t.equal(securityLevelOf('DEFAULT:@SECLEVEL=1:AES128-SHA:@SECLEVEL=9'), 5)
})
