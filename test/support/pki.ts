/**
 * A public key infrastructure for tests.
 *
 *     const root = await createAuthority({ name: 'Root' })
 *     const issuing = await createAuthority({ name: 'Issuing CA', issuer: root, pathLength: 0 })
 *     const server = await root.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] })
 *     const client = await issuing.issue({ name: 'alice', usage: 'client' })
 *
 * Every certificate, also that of an authority, has
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
 * It writes the DER itself: most tests make certificates, and a library would be most of what they load.
 *
 * `flipSignature(der)` turns an ECDSA P-256 signature (r, s) into (r, n − s), which verifies as well:
 * anybody who holds a certificate can do that to it.
 */
import { createHash, createPrivateKey, KeyObject, randomBytes, sign, webcrypto, X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { childrenOf, contentOf, element, extension, generalizedTime, integer, integerOf, oid, utcTime } from './der.js'

export { element } from './der.js'

export type KeyAlgorithm = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'Ed25519'
export type KeyPair = webcrypto.CryptoKeyPair

interface Validity {
  notBefore?: Date
  notAfter?: Date
  /** Whether it has key identifiers (yes). Without them, any authority of the issuer's name may be the issuer. */
  keyIdentifiers?: boolean
}

export interface AuthorityOptions extends Validity {
  name?: string
  /** Self-signed without it. */
  issuer?: Authority
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  /** How many authorities may follow before a leaf. */
  pathLength?: number
  /** Hexadecimal. */
  serial?: string
  /** Bits of KeyUsageFlags instead of certificate and CRL signing; null leaves the extension out. */
  keyUsage?: number | null
  extensions?: Extension[]
}

export interface LeafOptions extends Validity {
  name: string
  usage?: 'client' | 'server' | 'both'
  dnsNames?: string[]
  ipAddresses?: string[]
  uris?: string[]
  emails?: string[]
  /** Hexadecimal. */
  serial?: string
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  /** The same, instead of signatures. */
  keyUsage?: number | null
  extensions?: Extension[]
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

const SEQUENCE = 0x30
const DAY = 24 * 60 * 60 * 1000
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/** The bits of KeyUsage that tests ask for. */
export const KeyUsageFlags = { digitalSignature: 1, keyCertSign: 32, cRLSign: 64 }

const KEY_ALGORITHMS = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521' },
  'RSA-2048': { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
  Ed25519: { name: 'Ed25519' }
} as const

/** An extension of a certificate. */
export class Extension {
  /** Its object identifier. */
  readonly type: string
  readonly critical: boolean
  /** DER. */
  readonly value: Uint8Array | ArrayBuffer

  constructor (type: string, critical: boolean, value: Uint8Array | ArrayBuffer) {
    this.type = type
    this.critical = critical
    this.value = value
  }
}

/** A certificate authority: a root, or an intermediate if it has an issuer. */
export async function createAuthority (options: AuthorityOptions = {}): Promise<Authority> {
  const { name = 'Test CA', issuer, pathLength, keyUsage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, extensions = [] } = options
  const issued = await certify({
    ...options,
    name,
    lifetime: 3650 * DAY,
    extensions: [
      new Extension('2.5.29.19', true, element(SEQUENCE, element(0x01, Buffer.of(0xff)), ...(pathLength === undefined ? [] : [integer(pathLength)]))),
      ...(keyUsage === null ? [] : [keyUsages(keyUsage)]),
      ...extensions
    ]
  }, issuer)
  const authority: Authority = { ...issued, issue: (leaf) => issueLeaf(authority, leaf) }
  return authority
}

function issueLeaf (issuer: Authority, options: LeafOptions): Promise<Issued> {
  const { usage, dnsNames = [], ipAddresses = [], uris = [], emails = [], keyUsage = KeyUsageFlags.digitalSignature, extensions = [] } = options
  const all: Extension[] = [
    new Extension('2.5.29.19', true, element(SEQUENCE)),
    ...(keyUsage === null ? [] : [keyUsages(keyUsage)])
  ]
  if (usage !== undefined) {
    const purposes = usage === 'both' ? [SERVER_AUTH, CLIENT_AUTH] : [usage === 'client' ? CLIENT_AUTH : SERVER_AUTH]
    all.push(new Extension('2.5.29.37', false, element(SEQUENCE, ...purposes.map(oid))))
  }
  const names = [
    ...dnsNames.map((name) => element(0x82, Buffer.from(name))),
    ...ipAddresses.map((address) => element(0x87, bytesOfAddress(address))),
    ...uris.map((uri) => element(0x86, Buffer.from(uri))),
    ...emails.map((email) => element(0x81, Buffer.from(email)))
  ]
  if (names.length > 0) all.push(new Extension('2.5.29.17', false, element(SEQUENCE, ...names)))
  return certify({ ...options, lifetime: 365 * DAY, extensions: [...all, ...extensions] }, issuer)
}

interface CertifyOptions extends Validity {
  name: string
  keyAlgorithm?: KeyAlgorithm
  keyPair?: KeyPair
  serial?: string
  lifetime: number
  extensions: Extension[]
}

function keyUsages (flags: number): Extension {
  // The first bit of a BIT STRING is the highest of its first byte; DER ends it with the last bit that is set.
  const bits = Array.from({ length: 9 }, (_, bit) => flags >> bit & 1)
  const length = bits.lastIndexOf(1) + 1
  const bytes = Buffer.alloc(Math.ceil(length / 8))
  for (const [bit, isSet] of bits.entries()) if (isSet === 1) bytes[bit >> 3] = (bytes[bit >> 3] as number) | 0x80 >> (bit & 7)
  return new Extension('2.5.29.15', true, element(0x03, Buffer.of(8 * bytes.length - length), bytes))
}

async function certify (options: CertifyOptions, issuer?: Authority): Promise<Issued> {
  const { name, serial, keyAlgorithm = 'P-256', lifetime, keyIdentifiers = true, notBefore = new Date(Date.now() - DAY) } = options
  const { notAfter = new Date(notBefore.getTime() + lifetime) } = options
  const keyPair = options.keyPair ?? await generateKeyPair(keyAlgorithm)
  const signer = issuer?.keyPair ?? keyPair
  const key = KeyObject.from(keyPair.privateKey)
  const publicKey = spkiOf(keyPair)
  const subject = nameOf(name)
  const { identifier, hash } = signatureOf(signer)
  const extensions = [
    ...keyIdentifiers
      ? [
          new Extension('2.5.29.14', false, element(0x04, keyIdentifier(publicKey))),
          new Extension('2.5.29.35', false, element(SEQUENCE, element(0x80, keyIdentifier(spkiOf(signer)))))
        ]
      : [],
    ...options.extensions
  ]
  const tbs = element(SEQUENCE,
    element(0xa0, integer(2)),
    integerOf(serial === undefined ? Buffer.concat([Buffer.of(1), randomBytes(15)]) : Buffer.from(serial.padStart(serial.length + serial.length % 2, '0'), 'hex')),
    identifier,
    // The issuer's name byte for byte as in its certificate.
    issuer === undefined ? subject : subjectIn(issuer.der),
    element(SEQUENCE, timeOf(notBefore), timeOf(notAfter)),
    subject,
    publicKey,
    element(0xa3, element(SEQUENCE, ...extensions.map(({ type, critical, value }) => extension(type, Buffer.from(value as ArrayBuffer), critical)))))
  const der = element(SEQUENCE, tbs, identifier, element(0x03, Buffer.of(0), sign(hash, tbs, KeyObject.from(signer.privateKey))))
  const x509 = new X509Certificate(der)
  // Not through Node.js, which takes any PEM text within the certificate for the certificate.
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`
  const isBelowIntermediate = issuer !== undefined && !issuer.x509.checkIssued(issuer.x509)
  return {
    certificate: pem,
    chain: isBelowIntermediate ? pem + issuer.chain : pem,
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    der,
    x509,
    keyPair
  }
}

function spkiOf ({ publicKey }: KeyPair): Buffer {
  return KeyObject.from(publicKey).export({ type: 'spki', format: 'der' })
}

/** As RFC 5280, 4.2.1.2, makes it: of the bits alone. */
function keyIdentifier (spki: Buffer): Buffer {
  return createHash('sha1').update(contentOf(childrenOf(spki)[1] as Buffer).subarray(1)).digest()
}

function signatureOf ({ privateKey }: KeyPair): { identifier: Buffer, hash: string | null } {
  switch (privateKey.algorithm.name) {
    case 'ECDSA': return { identifier: element(SEQUENCE, oid('1.2.840.10045.4.3.2')), hash: 'sha256' }
    case 'Ed25519': return { identifier: element(SEQUENCE, oid('1.3.101.112')), hash: null }
    default: return { identifier: element(SEQUENCE, oid('1.2.840.113549.1.1.11'), element(0x05)), hash: 'sha256' }
  }
}

function timeOf (date: Date): Buffer {
  return date.getUTCFullYear() < 2050 ? utcTime(date) : generalizedTime(date)
}

/** The subject of a certificate. One of version 1 has no version field. */
function subjectIn (der: Buffer): Buffer {
  const parts = childrenOf(childrenOf(der)[0] as Buffer)
  return parts[parts[0]?.[0] === 0xa0 ? 5 : 4] as Buffer
}

/** Keys for several certificates; `issue` makes its own if it is given none. */
export async function generateKeyPair (algorithm: KeyAlgorithm = 'P-256'): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(KEY_ALGORITHMS[algorithm], true, ['sign', 'verify']) as KeyPair
}

const privateKeys = new Map<string, KeyObject>()

/** The private key in a PEM. Each is parsed once, since that takes OpenSSL as long as a signature. */
export function privateKeyOf (pem: string): KeyObject {
  const key = privateKeys.get(pem) ?? createPrivateKey(pem)
  privateKeys.set(pem, key)
  return key
}

const ATTRIBUTES = new Map([['CN', '2.5.4.3'], ['C', '2.5.4.6'], ['O', '2.5.4.10'], ['OU', '2.5.4.11']])

function nameOf (name: string): Buffer {
  if (name === '') return element(SEQUENCE)
  const parts = name.includes('=') ? name.split(', ').map((part) => /^(\w+)=(.*)$/s.exec(part)?.slice(1)) : [['CN', name]]
  return element(SEQUENCE, ...parts.map((part) => {
    const [type, value] = part ?? []
    const id = ATTRIBUTES.get(type ?? '')
    if (id === undefined || value === undefined) throw new Error(`no name of a certificate: ${name}`)
    return element(0x31, element(SEQUENCE, oid(id), element(/^[A-Za-z0-9 '()+,./:=?-]*$/.test(value) ? 0x13 : 0x0c, Buffer.from(value))))
  }))
}

function bytesOfAddress (address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const [head = [], tail = []] = address.split('::').map((side) => side.split(':').filter((group) => group !== ''))
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A certificate whose subject was overwritten with another name of the same length after it was signed. */
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
  const [tbs, algorithm, signature] = childrenOf(Buffer.from(der))
  if (tbs === undefined || algorithm === undefined || signature === undefined) throw new Error('not a certificate')
  // The first byte of a BIT STRING counts unused bits.
  const [r, s] = childrenOf(contentOf(signature).subarray(1)) as [Buffer, Buffer]
  const flipped = P256_ORDER - BigInt(`0x${contentOf(s).toString('hex')}`)
  const value = element(0x30, r, integer(flipped))
  return element(0x30, tbs, algorithm, element(0x03, Buffer.of(0), value))
}
