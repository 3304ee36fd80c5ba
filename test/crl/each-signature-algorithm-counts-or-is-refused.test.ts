import t from 'tap'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPairSync, type KeyPairKeyObjectResult, X509Certificate } from 'node:crypto'
import { commonName, loadCrls, makeCrl, rewriteCertificate, type SignatureAlgorithm } from '../support/crl.js'
import { createAuthority, type KeyAlgorithm } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

const strong: Array<[KeyAlgorithm, SignatureAlgorithm]> = [
  ['RSA-2048', 'RSA-SHA256'], ['RSA-2048', 'RSA-SHA384'], ['RSA-2048', 'RSA-SHA512'],
  ['RSA-2048', 'PSS-SHA256'], ['RSA-2048', 'PSS-SHA384'], ['RSA-2048', 'PSS-SHA512'],
  ['P-256', 'ECDSA-SHA256'], ['P-256', 'ECDSA-SHA512'], ['P-384', 'ECDSA-SHA384'], ['P-521', 'ECDSA-SHA512'],
  ['Ed25519', 'Ed25519']
]

for (const [keyAlgorithm, algorithm] of strong) {
  t.test(`a CRL that is signed with ${algorithm} by a key of ${keyAlgorithm} counts`, async (t) => {
    const root = await createAuthority({ keyAlgorithm })
    const set = await loadCrls(t, [root], [makeCrl(root, { algorithm, entries: [{ serial: '05' }] })])
    t.equal(set.size, 1)
  })
}

const refused: Array<[KeyAlgorithm, SignatureAlgorithm, RegExp]> = [
  ['RSA-2048', 'RSA-MD5', /signed with MD5, which can be forged: have it reissued with SHA-256/],
  ['RSA-2048', 'RSA-SHA1', /signed with SHA-1, which can be forged/],
  ['P-256', 'ECDSA-SHA1', /signed with SHA-1, which can be forged/],
  ['RSA-2048', 'PSS-SHA1', /RSASSA-PSS and a hash other than SHA-256, SHA-384 and SHA-512/],
  ['RSA-2048', 'PSS-two-hashes', /RSASSA-PSS and parameters that are not supported/],
  ['RSA-2048', 'PSS-endless-salt', /signature does not verify with the key of its issuer/],
  ['RSA-2048', 'RSA-SHA224', /\(1\.2\.840\.113549\.1\.1\.14\) is not supported/]
]

for (const [keyAlgorithm, algorithm, says] of refused) {
  t.test(`a CRL that is signed with ${algorithm} is rejected`, async (t) => {
    const root = await createAuthority({ keyAlgorithm })
    await t.rejects(loadCrls(t, [root], [makeCrl(root, { algorithm })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: says })
  })
}

t.test('a CRL that names different algorithms inside and outside its signed part is rejected', async (t) => {
  const root = await createAuthority({ keyAlgorithm: 'RSA-2048' })
  await t.rejects(loadCrls(t, [root], [makeCrl(root, { innerAlgorithm: 'RSA-SHA512' })]), { code: 'FST_ENDPOINT_FILE_INVALID', message: /two signature algorithms/ })
})

t.test('an algorithm that does not fit the issuer\'s key is rejected, and the error says what to do', async (t) => {
  const root = await createAuthority({ keyAlgorithm: 'RSA-2048' })
  const other = await createAuthority()
  const crl = makeCrl({ der: root.der, key: other.key })
  await t.rejects(loadCrls(t, [root], [crl]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /does not fit the key of its issuer \(RSA 2048\): have it signed with that key/ })
})

for (const curve of ['secp256k1', 'brainpoolP256r1', 'brainpoolP512r1', 'secp224r1']) {
  t.test(`a CRL that is signed by a key on the curve ${curve} counts`, async (t) => {
    const root = selfSigned(makeTestFolder(t, {}), ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`])
    t.equal((await loadCrls(t, [root], [makeCrl(root, { entries: [{ serial: '05' }] })])).size, 1)
  })
}

for (const [key, algorithm] of [[['-newkey', 'ed448'], 'Ed448'], [['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'ECDSA-SHA3-256'], [['-newkey', 'rsa:2048'], 'RSA-SHA3-512']] as const) {
  t.test(`a CRL that is signed with ${algorithm} counts`, async (t) => {
    const root = selfSigned(makeTestFolder(t, {}), [...key])
    t.equal((await loadCrls(t, [root], [makeCrl(root, { algorithm, entries: [{ serial: '05' }] })])).size, 1)
  })
}

for (const algorithm of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87', 'slh-dsa-sha2-128f', 'slh-dsa-shake-128f'] as const) {
  t.test(`a CRL that is signed with ${algorithm} counts, where this Node.js can verify it`, async (t) => {
    const pair = keyPairOf(algorithm)
    if (pair === undefined) {
      t.pass('it cannot', { skip: `Node.js ${process.version} has no ${algorithm}` })
      return
    }
    const root = await createAuthority({ name: 'Root' })
    const x509 = withKey(root, pair)
    const set = await loadCrls(t, [root, { x509 }], [makeCrl({ der: x509.raw, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }, { algorithm, entries: [{ serial: '05' }] })])
    t.equal(set.size, 1)
  })
}

/** Undefined if this Node.js cannot make one. */
function keyPairOf (type: string): KeyPairKeyObjectResult | undefined {
  try {
    return (generateKeyPairSync as (type: string) => KeyPairKeyObjectResult)(type)
  } catch {
    return undefined
  }
}

/** An authority below a root, with its own key and name. */
function withKey (root: Awaited<ReturnType<typeof createAuthority>>, { publicKey }: KeyPairKeyObjectResult): X509Certificate {
  const key = publicKey.export({ type: 'spki', format: 'der' })
  return rewriteCertificate(root.der, root, (parts) => parts.with(5, commonName('Signer')).with(6, key))
}

t.test('a key for RSASSA-PSS only can sign CRLs', async (t) => {
  const root = selfSigned(makeTestFolder(t, {}), ['-newkey', 'rsa-pss'])
  t.equal((await loadCrls(t, [root], [makeCrl(root, { algorithm: 'PSS-SHA256', entries: [{ serial: '05' }] })])).size, 1)
})

t.test('a CRL with other RSASSA-PSS parameters than its key allows is rejected', async (t) => {
  const root = selfSigned(makeTestFolder(t, {}), ['-newkey', 'rsa-pss', '-pkeyopt', 'rsa_pss_keygen_md:sha512', '-pkeyopt', 'rsa_pss_keygen_mgf1_md:sha512', '-sha512'])
  const other = await createAuthority({ keyAlgorithm: 'RSA-2048' })
  const crl = makeCrl({ der: root.der, key: other.key }, { algorithm: 'PSS-SHA256' })
  await t.rejects(loadCrls(t, [root], [crl]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /signature does not verify with the key of its issuer/ })
})

t.test('an algorithm that cannot be read is rejected', async (t) => {
  const root = await createAuthority({ keyAlgorithm: 'RSA-2048' })
  await t.rejects(loadCrls(t, [root], [makeCrl(root, { algorithm: 'PSS-broken' })]), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /signature algorithm cannot be read/ })
})

/** An authority that OpenSSL makes. */
function selfSigned (folder: string, key: string[]): { der: Buffer, key: string, x509: X509Certificate } {
  const paths = { key: join(folder, 'key.pem'), certificate: join(folder, 'certificate.pem') }
  execFileSync('openssl', ['req', '-x509', '-nodes', '-subj', '/CN=Root', '-days', '30', ...key, '-keyout', paths.key, '-out', paths.certificate], { stdio: 'pipe' })
  const x509 = new X509Certificate(readFileSync(paths.certificate))
  return { der: x509.raw, key: readFileSync(paths.key, 'utf8'), x509 }
}
