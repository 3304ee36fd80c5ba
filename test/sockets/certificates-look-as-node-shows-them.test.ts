/** Compares the result of getPeerCertificate() with the result of Node itself for the same client. */
import { strict } from 'node:assert'
import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { PeerCertificate, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { readCertificate } from '../../lib/x509/der.js'
import { legacyCertificate, legacyPath } from '../../lib/x509/legacy-certificate.js'
import { asClient, get, makeSite, type Site } from '../support/mutual-tls.js'
import { createAuthority, element } from '../support/pki.js'
import { certificate } from '../support/portrait.js'
import { hasProgram, run } from '../support/programs.js'

/** Names, extensions and kinds of names in certificates, with characters that need escapes. */
const CONFIGURATION = `
[req]
prompt = no
distinguished_name = dn
utf8 = yes
string_mask = utf8only
[dn]
0.C = DE
0.O = "Acme, \\"Inc\\" \\\\ + <Co>; x=y"
0.OU = one
1.OU = two
2.OU = three
0.CN = alïce 😀
emailAddress = a@b.c
0.1.3.6.1.4.1.99999.7 = odd
UID = u1
serialNumber = 17
DC = example
[ext]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth,serverAuth,1.2.3.4
subjectAltName = DNS:x.example,IP:127.0.0.1,IP:::1,email:a@b.c,URI:spiffe://x/y,dirName:dn,otherName:1.2.3.4;UTF8:hi,RID:1.2.3
authorityInfoAccess = OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/,OCSP;URI:http://ocsp2.example/,caIssuers;DNS:foo,caIssuers;URI:http://ca.example/a b:c
`

const KEYS = {
  'RSA 2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA 2047 with exponent 3': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2047', '-pkeyopt', 'rsa_keygen_pubexp:3'],
  'RSA-PSS': ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'P-521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  Ed25519: ['-algorithm', 'ED25519'],
  Ed448: ['-algorithm', 'ED448']
} as const

/** The result of a server of Node itself. Do not use it for keys on other curves, which end the process on some versions. */
async function shownByNode (t: Test, site: Site, leaf: { chain: string, key: string }): Promise<Record<'alone' | 'detailed', PeerCertificate>> {
  let shown: Record<'alone' | 'detailed', PeerCertificate> | undefined
  const server = createServer({ key: site.server.key, cert: site.server.chain, ca: site.ca.certificate, requestCert: true }, (request, response) => {
    const socket = request.socket as TLSSocket
    shown = { alone: socket.getPeerCertificate(), detailed: socket.getPeerCertificate(true) }
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await get((server.address() as AddressInfo).port, asClient(site, leaf))
  server.close()
  t.ok(shown)
  return shown as Record<'alone' | 'detailed', PeerCertificate>
}

/** Signed by the authority of a site, with openssl. */
async function issueWith (site: Site, name: string, key: readonly string[], configuration: string): Promise<{ chain: string, key: string }> {
  const path = (ending: string): string => join(site.folder, `${name.replaceAll(' ', '-')}.${ending}`)
  await writeFile(path('cnf'), configuration)
  await writeFile(site.path('ca.key'), site.ca.key)
  await run('openssl', ['genpkey', ...key, '-out', path('key')])
  await run('openssl', ['req', '-new', '-key', path('key'), '-config', path('cnf'), '-out', path('csr')])
  await run('openssl', ['x509', '-req', '-in', path('csr'), '-CA', site.path('ca.pem'), '-CAkey', site.path('ca.key'), '-CAcreateserial', '-out', path('pem'), '-days', '9', '-extfile', path('cnf'), '-extensions', 'ext'])
  return { chain: await readFile(path('pem'), 'utf8'), key: await readFile(path('key'), 'utf8') }
}

/** The key of an RSA-PSS certificate: see docs/node-differences.md. */
const KEY_FIELDS = ['modulus', 'exponent', 'bits', 'pubkey']
const without = (value: object, names: readonly string[]): object => Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))

t.test('a certificate with each kind of name, extension and key looks as in Node', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  for (const [name, key] of Object.entries(KEYS)) {
    const leaf = await issueWith(site, name, key, CONFIGURATION)
    const x509 = new X509Certificate(leaf.chain)
    const { alone, detailed } = await shownByNode(t, site, leaf)
    const left = name === 'RSA-PSS' ? KEY_FIELDS : []
    // Strict: prototypes are compared too.
    strict.deepStrictEqual(without(certificate(legacyCertificate(x509)), left), without(certificate(alone), left))
    strict.deepStrictEqual(without(certificate(legacyPath([x509, site.ca.x509])), left), without(certificate(detailed), left))
    if (name === 'RSA-PSS') t.match(legacyCertificate(x509), { bits: 2048, exponent: '0x10001', modulus: /^[0-9A-F]{512}$/, pubkey: Buffer })
    t.pass(name)
  }
})

const attribute = (oid: string, tag: number, value: Uint8Array): Buffer => element(0x30, Buffer.from(`0603${oid}`, 'hex'), element(tag, value))
const name = (...attributes: Buffer[]): Buffer => element(0x30, ...attributes.map((one) => element(0x31, one)))
const CN = '550403'
const UTF8 = 0x0c
const NAMES = {
  'a BMPString': name(attribute(CN, 0x1e, Buffer.from('006100e92603', 'hex'))),
  'a UniversalString': name(attribute(CN, 0x1c, Buffer.from('000000610001f600', 'hex'))),
  'a TeletexString': name(attribute(CN, 0x14, Buffer.from('al\xe9', 'latin1'))),
  'two attributes in one set': element(0x30, element(0x31, attribute(CN, UTF8, Buffer.from('alice')), attribute('55040a', UTF8, Buffer.from('Acme + O=Evil')))),
  'a line break, a NUL and a DEL': name(attribute(CN, UTF8, Buffer.from('alice\nCN=mallory\0\x7f'))),
  'a backslash at the end': name(attribute(CN, UTF8, Buffer.from('alice\\'))),
  'digits behind a backslash': name(attribute(CN, UTF8, Buffer.from('al\\0Aice'))),
  'spaces and number signs at the ends': name(attribute(CN, UTF8, Buffer.from(' alice ')), attribute('55040b', UTF8, Buffer.from('#x#'))),
  'names that objects have': name(attribute(CN, UTF8, Buffer.from('__proto__'))),
  'an empty value': name(attribute(CN, UTF8, Buffer.alloc(0))),
  'no name': name()
} as const

/** A minimal certificate for a name in DER. */
function issueFor (site: Site, subject: Buffer): { chain: string, key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = readCertificate(site.ca.der).subject
  const algorithm = element(0x30, Buffer.from('06082a8648ce3d040302', 'hex'))
  const validity = element(0x30, element(0x17, Buffer.from('200101000000Z')), element(0x17, Buffer.from('400101000000Z')))
  const tbs = element(0x30, element(0x02, Buffer.of(5)), algorithm, site.ca.der.subarray(issuer.start, issuer.end), validity, subject, publicKey.export({ type: 'spki', format: 'der' }))
  const der = element(0x30, tbs, algorithm, element(0x03, Buffer.of(0), sign('sha256', tbs, site.ca.key)))
  return { chain: `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

for (const [what, subject] of Object.entries(NAMES)) {
  t.test(`a name with ${what} looks as in Node`, async (t) => {
    const site = await makeSite(t)
    const leaf = issueFor(site, subject)
    const { alone } = await shownByNode(t, site, leaf)
    strict.deepStrictEqual(certificate(legacyCertificate(new X509Certificate(leaf.chain))), certificate(alone))
  })
}

t.test('each call returns a new object that the app may change', async (t) => {
  const { alice } = await makeSite(t)
  const [one, other] = [legacyCertificate(alice.x509), legacyCertificate(alice.x509)]
  one.raw.fill(0)
  one.subject.CN = 'mallory'
  t.same(other.raw, alice.der)
  t.equal(other.subject.CN, 'alice')
  t.same(alice.x509.raw, alice.der)
})

t.test('a path ends where no further issuer is known', async (t) => {
  const root = await createAuthority({ name: 'Root' })
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: root })
  const leaf = await issuing.issue({ name: 'alice' })
  t.notOk('issuerCertificate' in legacyPath([leaf.x509]))
  const { issuerCertificate } = legacyPath([leaf.x509, issuing.x509])
  t.equal(issuerCertificate.subject.CN, 'Issuing CA')
  t.notOk('issuerCertificate' in issuerCertificate)
  const whole = legacyPath([leaf.x509, issuing.x509, root.x509])
  t.equal(whole.issuerCertificate.issuerCertificate.issuerCertificate, whole.issuerCertificate.issuerCertificate)
})
