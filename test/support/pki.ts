/**
 * A public key infrastructure for tests, made on the spot.
 *
 *     const root = await createAuthority({ name: 'Root' })
 *     const issuing = await createAuthority({ name: 'Issuing CA', issuer: root, pathLength: 0 })
 *     const server = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
 *     const client = await issuing.issue({ name: 'alice', usage: 'client' })
 *
 * Whatever is issued, an authority too, has
 *
 *     certificate  PEM of the certificate alone
 *     chain        PEM of the certificate and the intermediates above it, without the root
 *     key          PEM of the private key (PKCS #8)
 *     der          the certificate as DER
 *     x509         the certificate as node:crypto shows it
 *     keyPair      WebCrypto keys: give them as `keyPair` to issue again for the same key
 *
 * A name is a common name, a whole distinguished name if it holds a `=` ('C=DE, O=Acme, CN=x'), or empty.
 * Without `usage` there is no extended key usage. `extensions` come in addition. Everything is valid
 * from yesterday for a year (authorities: ten years), unless dates are given. `issuer` with a
 * `keyPair` that another authority has makes a cross-certificate.
 *
 * `flipSignature(der)` turns an ECDSA P-256 signature (r, s) into (r, n − s), which verifies as well:
 * anybody who holds a certificate can do that to it.
 */
import 'reflect-metadata'
import { X509Certificate, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto)

export type KeyAlgorithm = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'Ed25519'
export type KeyPair = webcrypto.CryptoKeyPair

interface Validity {
  notBefore?: Date
  notAfter?: Date
  /** Whether it names its key and its issuer's (yes). Without that, everybody of the issuer's name may be the issuer. */
  keyIdentifiers?: boolean
}

export interface AuthorityOptions extends Validity {
  name?: string
  /** Self-signed without it. */
  issuer?: Authority
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  /** How many authorities may stand between this one and a leaf. */
  pathLength?: number
  /** Hexadecimal. */
  serial?: string
  /** Bits of x509.KeyUsageFlags in the place of certificate and CRL signing; null leaves the extension out. */
  keyUsage?: number | null
  extensions?: x509.Extension[]
}

export interface LeafOptions extends Validity {
  name: string
  usage?: 'client' | 'server' | 'both'
  dnsNames?: string[]
  ipAddresses?: string[]
  /** Hexadecimal. */
  serial?: string
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  /** Bits of x509.KeyUsageFlags in the place of signatures; null leaves the extension out. */
  keyUsage?: number | null
  extensions?: x509.Extension[]
}

export interface Issued {
  certificate: string
  chain: string
  key: string
  der: Buffer
  x509: X509Certificate
  keyPair: KeyPair
}

export interface Authority extends Issued {
  issue (options: LeafOptions): Promise<Issued>
}

const DAY = 24 * 60 * 60 * 1000
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

const KEY_ALGORITHMS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-256' },
  'RSA-2048': { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' }
} as const

/** A certificate authority: a root, or an intermediate if it has an issuer. */
export async function createAuthority (options: AuthorityOptions = {}): Promise<Authority> {
  const { name = 'Test CA', issuer, pathLength, keyUsage = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, extensions = [] } = options
  const issued = await certify({
    ...options,
    name,
    lifetime: 3650 * DAY,
    extensions: [
      new x509.BasicConstraintsExtension(true, pathLength, true),
      ...(keyUsage === null ? [] : [new x509.KeyUsagesExtension(keyUsage, true)]),
      ...extensions
    ]
  }, issuer)
  const authority: Authority = { ...issued, issue: (leaf) => issueLeaf(authority, leaf) }
  return authority
}

function issueLeaf (issuer: Authority, options: LeafOptions): Promise<Issued> {
  const { usage, dnsNames = [], ipAddresses = [], keyUsage = x509.KeyUsageFlags.digitalSignature, extensions = [] } = options
  const all: x509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    ...(keyUsage === null ? [] : [new x509.KeyUsagesExtension(keyUsage, true)])
  ]
  if (usage !== undefined) {
    const purposes = usage === 'both' ? [SERVER_AUTH, CLIENT_AUTH] : [usage === 'client' ? CLIENT_AUTH : SERVER_AUTH]
    all.push(new x509.ExtendedKeyUsageExtension(purposes))
  }
  const names: x509.JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value }))
  ]
  if (names.length > 0) all.push(new x509.SubjectAlternativeNameExtension(names))
  return certify({ ...options, lifetime: 365 * DAY, extensions: [...all, ...extensions] }, issuer)
}

interface CertifyOptions extends Validity {
  name: string
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  serial?: string
  lifetime: number
  extensions: x509.Extension[]
}

async function certify (options: CertifyOptions, issuer?: Authority): Promise<Issued> {
  const { name, serial, keyAlgorithm = 'P-256', lifetime, keyIdentifiers = true } = options
  const keyPair = options.keyPair ?? await generateKeyPair(keyAlgorithm)
  const signer = issuer?.keyPair ?? keyPair
  const notBefore = options.notBefore ?? new Date(Date.now() - DAY)
  const subject = nameOf(name)
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    // The issuer's name as it stands in its certificate, not written anew.
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.der).subjectName,
    ...(serial !== undefined && { serialNumber: serial }),
    notBefore,
    notAfter: options.notAfter ?? new Date(notBefore.getTime() + lifetime),
    publicKey: keyPair.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { ...signer.privateKey.algorithm, hash: 'SHA-256' },
    extensions: [
      ...keyIdentifiers
        ? [await x509.SubjectKeyIdentifierExtension.create(keyPair.publicKey), await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey)]
        : [],
      ...options.extensions
    ]
  })
  const der = Buffer.from(certificate.rawData)
  const pem = `${certificate.toString('pem').trim()}\n`
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keyPair.privateKey))
  const isBelowIntermediate = issuer !== undefined && !issuer.x509.checkIssued(issuer.x509)
  return {
    certificate: pem,
    chain: isBelowIntermediate ? pem + issuer.chain : pem,
    key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY').trim()}\n`,
    der,
    x509: new X509Certificate(der),
    keyPair
  }
}

/** Keys for several certificates; `issue` makes its own if it is given none. */
export async function generateKeyPair (algorithm: KeyAlgorithm = 'P-256'): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(KEY_ALGORITHMS[algorithm], true, ['sign', 'verify']) as KeyPair
}

function nameOf (name: string): string | x509.JsonName {
  return name === '' ? [] : name.includes('=') ? name : [{ CN: [name] }]
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A certificate in which somebody has written another name over its subject's, of the same length, behind the CA's back. */
export function rename (issued: Issued, from: string, to: string): Issued {
  const der = Buffer.from(issued.der)
  const at = der.lastIndexOf(from, der.length, 'latin1')
  if (at === -1 || from.length !== to.length) throw new Error(`${from} cannot be renamed to ${to}`)
  der.write(to, at, 'latin1')
  const x509 = new X509Certificate(der)
  return { ...issued, certificate: x509.toString(), chain: x509.toString(), der, x509 }
}

/** The same certificate with the other signature that its ECDSA P-256 signature can be turned into. */
export function flipSignature (der: Uint8Array): Buffer {
  const [tbs, algorithm, signature] = elementsOf(contentOf(Buffer.from(der)))
  // The first byte of a BIT STRING counts unused bits.
  const [r, s] = elementsOf(contentOf(contentOf(signature).subarray(1)))
  if (tbs === undefined || algorithm === undefined || r === undefined) throw new Error('not a certificate')
  const flipped = P256_ORDER - BigInt(`0x${contentOf(s).toString('hex')}`)
  const value = element(0x30, r, integer(flipped))
  return element(0x30, tbs, algorithm, element(0x03, Buffer.of(0), value))
}

/** One DER element of the given tag around others; lengths below 64 KiB. */
export function element (tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const digits: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest & 0xff)
  const header = length < 0x80 ? [length] : [0x80 | digits.length, ...digits]
  return Buffer.concat([Buffer.of(tag, ...header), content])
}

function integer (value: bigint): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.padStart(hex.length + hex.length % 2, '0'), 'hex')
  return element(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]))
}

function contentOf (bytes: Buffer | undefined): Buffer {
  if (bytes === undefined) throw new Error('an element is missing')
  const long = (bytes[1] ?? 0) & 0x80 ? (bytes[1] ?? 0) & 0x7f : 0
  return bytes.subarray(2 + long)
}

/** The elements that stand one after another; lengths below 64 KiB. */
function elementsOf (bytes: Buffer): Buffer[] {
  const elements: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const first = bytes[start + 1] ?? 0
    const length = first === 0x82 ? 4 + bytes.readUInt16BE(start + 2) : first === 0x81 ? 3 + (bytes[start + 2] ?? 0) : 2 + first
    elements.push(bytes.subarray(start, start + length))
    start += length
  }
  return elements
}
