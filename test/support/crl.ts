/**
 * Makes CRLs for tests, with any part right or wrong.
 *
 *     const crl = makeCrl(root, { number: 2, entries: [{ serial: '01', reason: 1 }] })
 *     writeFileSync('root.crl', crl.pem)
 *
 * Written byte by byte with node:crypto: a library would refuse to make most of what must be refused.
 * `extensions` come in addition; `number: null` leaves the CRL number out; `version: 1` all extensions.
 */
import { sign, constants, X509Certificate, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { loadRevocations, type RevocationPolicy, type RevocationSet, type RevocationStatus } from '../../lib/revocation/index.js'
import { childrenOf, contentOf, element, extension, generalizedTime, integer, oid, utcTime } from './der.js'
import { Extension, privateKeyOf } from './pki.js'
import { makeTestFolder } from './test-folder.js'

export { childrenOf, extension, integer, oid } from './der.js'

/** A signer: a certificate, whose subject is the issuer, and its key. */
export interface CrlSigner {
  readonly der: Buffer
  readonly key: string
}

export interface CrlEntryOptions {
  /** The content of the INTEGER in hexadecimal. */
  serial: string
  revokedAt?: Date
  reason?: number
  /** DER of a Name: the issuer of the certificates of this entry and those after it. */
  certificateIssuer?: Buffer
  extensions?: Buffer[]
}

export interface CrlOptions {
  version?: 1 | 2
  /** DER of a Name; the signer's subject without it. */
  issuer?: Buffer
  thisUpdate?: Date
  /** null leaves it out. */
  nextUpdate?: Date | null
  number?: number | bigint | null
  /** Makes a delta CRL. */
  base?: number | bigint
  /** See `scope`. */
  scope?: Buffer
  keyId?: Buffer
  entries?: CrlEntryOptions[]
  /** DER of entries that were made elsewhere, concatenated; replaces `entries`. */
  madeEntries?: Buffer
  extensions?: Buffer[]
  /** The algorithm of the signature; by default one that fits the key. */
  algorithm?: SignatureAlgorithm
  /** The algorithm that the signed part names; by default the same. */
  innerAlgorithm?: SignatureAlgorithm
  generalizedTime?: boolean
  /** Changes the parts of the signed part: version, algorithm, issuer, … */
  rewrite?: (parts: Buffer[]) => Buffer[]
}

export interface MadeCrl {
  readonly der: Buffer
  readonly pem: string
}

export type SignatureAlgorithm = keyof typeof ALGORITHMS

const DAY = 24 * 60 * 60 * 1000
const SEQUENCE = 0x30

const sha = (last: number): Buffer => element(SEQUENCE, oid(`2.16.840.1.101.3.4.2.${last}`))

function pssParameters (hash: Buffer, saltLength: number, maskHash = hash): Buffer {
  return element(SEQUENCE,
    element(0xa0, hash),
    element(0xa1, element(SEQUENCE, oid('1.2.840.113549.1.1.8'), maskHash)),
    element(0xa2, integer(saltLength)))
}

const ALGORITHMS = {
  'RSA-SHA256': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.11'), element(0x05)), hash: 'sha256' },
  'RSA-SHA384': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.12'), element(0x05)), hash: 'sha384' },
  'RSA-SHA512': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.13'), element(0x05)), hash: 'sha512' },
  'RSA-SHA1': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.5'), element(0x05)), hash: 'sha1' },
  'RSA-MD5': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.4'), element(0x05)), hash: 'md5' },
  'PSS-SHA256': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), pssParameters(sha(1), 32)), hash: 'sha256', saltLength: 32 },
  'PSS-SHA384': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), pssParameters(sha(2), 48)), hash: 'sha384', saltLength: 48 },
  'PSS-SHA512': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), pssParameters(sha(3), 64)), hash: 'sha512', saltLength: 64 },
  'PSS-two-hashes': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), pssParameters(sha(1), 32, sha(2))), hash: 'sha256', saltLength: 32 },
  'PSS-endless-salt': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), pssParameters(sha(1), 2 ** 32)), hash: 'sha256', saltLength: 32 },
  'PSS-broken': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), element(SEQUENCE, element(0x02, Buffer.of(1)))), hash: 'sha256', saltLength: 32 },
  'RSA-SHA224': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.14'), element(0x05)), hash: 'sha224' },
  'PSS-SHA1': { identifier: () => element(SEQUENCE, oid('1.2.840.113549.1.1.10'), element(SEQUENCE)), hash: 'sha1', saltLength: 20 },
  'ECDSA-SHA256': { identifier: () => element(SEQUENCE, oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  'ECDSA-SHA384': { identifier: () => element(SEQUENCE, oid('1.2.840.10045.4.3.3')), hash: 'sha384' },
  'ECDSA-SHA512': { identifier: () => element(SEQUENCE, oid('1.2.840.10045.4.3.4')), hash: 'sha512' },
  'ECDSA-SHA1': { identifier: () => element(SEQUENCE, oid('1.2.840.10045.4.1')), hash: 'sha1' },
  'ECDSA-SHA3-256': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.10')), hash: 'sha3-256' },
  'RSA-SHA3-512': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.16'), element(0x05)), hash: 'sha3-512' },
  Ed448: { identifier: () => element(SEQUENCE, oid('1.3.101.113')), hash: undefined },
  'ml-dsa-44': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.17')), hash: undefined },
  'ml-dsa-65': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.18')), hash: undefined },
  'ml-dsa-87': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.19')), hash: undefined },
  'slh-dsa-sha2-128f': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.21')), hash: undefined },
  'slh-dsa-shake-128f': { identifier: () => element(SEQUENCE, oid('2.16.840.1.101.3.4.3.27')), hash: undefined },
  Ed25519: { identifier: () => element(SEQUENCE, oid('1.3.101.112')), hash: undefined }
} as const satisfies Record<string, { identifier: () => Buffer, hash: string | undefined, saltLength?: number }>

/** Makes a CRL and signs it. */
export function makeCrl (signer: CrlSigner, options: CrlOptions = {}): MadeCrl {
  const key = privateKeyOf(signer.key)
  const { version = 2, issuer = subjectOf(signer.der), thisUpdate = new Date(Date.now() - DAY), entries = [], madeEntries, algorithm = algorithmFor(key), rewrite = (parts: Buffer[]) => parts } = options
  const nextUpdate = options.nextUpdate === undefined ? new Date(Date.now() + 30 * DAY) : options.nextUpdate
  const { identifier, hash, ...rest } = ALGORITHMS[algorithm]
  const time = (date: Date): Buffer => options.generalizedTime === true ? generalizedTime(date) : utcTime(date)
  const list = madeEntries === undefined ? entries.map((entry) => entryOf(entry, time)) : [madeEntries]
  const tbs = element(SEQUENCE, ...rewrite([
    ...(version === 2 ? [integer(1)] : []),
    ALGORITHMS[options.innerAlgorithm ?? algorithm].identifier(),
    issuer,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(list.length === 0 ? [] : [element(SEQUENCE, ...list)]),
    ...(version === 2 ? [element(0xa0, element(SEQUENCE, ...extensionsOf(options)))] : [])
  ]))
  const signature = sign(hash, tbs, 'saltLength' in rest ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: rest.saltLength } : key)
  return madeOf(element(SEQUENCE, tbs, identifier(), element(0x03, Buffer.of(0), signature)))
}

/** A CRL by its bytes. */
export function madeOf (der: Buffer): MadeCrl {
  return {
    der,
    get pem () {
      return `-----BEGIN X509 CRL-----\n${der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END X509 CRL-----\n`
    }
  }
}

/** The signed part of a CRL. */
export function signedPartOf (crl: Buffer): Buffer {
  return childrenOf(crl)[0] as Buffer
}

/** A CRL with another signed part, which its issuer has signed with the same algorithm: an EC key's with SHA-256. */
export function signAgain (crl: Buffer, signer: CrlSigner, tbs: Buffer): MadeCrl {
  const [, algorithm] = childrenOf(crl) as [Buffer, Buffer]
  return madeOf(element(SEQUENCE, tbs, algorithm, element(0x03, Buffer.of(0), sign('sha256', tbs, privateKeyOf(signer.key)))))
}

/** Policies that accept only what a current CRL proves to be good. */
export const STRICT = { unknownStatus: 'deny', expiredCrl: 'deny' } as const satisfies RevocationPolicy

/** Loads CRLs, each in a file of its own, with these authorities. */
export async function loadCrls (t: Test, authorities: ReadonlyArray<{ x509: X509Certificate }>, crls: ReadonlyArray<{ der: Buffer }>, now?: Date | (() => Date)): Promise<RevocationSet> {
  const folder = makeTestFolder(t, {})
  for (const [index, { der }] of crls.entries()) writeFileSync(join(folder, `${String(index).padStart(3, '0')}.crl`), der)
  return await loadRevocations({ patterns: [`${folder}/*.crl`], authorities: authorities.map(({ x509 }) => x509), ...(now !== undefined && { now }) })
}

/** A status in a word, with the reason if there is one: `revoked keyCompromise`. */
export function wordFor (status: RevocationStatus): string {
  return status.status === 'revoked' && status.reason !== undefined ? `revoked ${status.reason}` : status.status
}

/** A certificate that its issuer signs again with other parts: version, serial number, algorithm, issuer, validity, subject, … */
export function rewriteCertificate (certificate: Buffer, issuer: CrlSigner, rewrite: (parts: Buffer[]) => Buffer[]): X509Certificate {
  const [tbs, algorithm] = childrenOf(certificate) as [Buffer, Buffer]
  const rewritten = element(SEQUENCE, ...rewrite(childrenOf(tbs)))
  return new X509Certificate(element(SEQUENCE, rewritten, algorithm, element(0x03, Buffer.of(0), sign('sha256', rewritten, privateKeyOf(issuer.key)))))
}

/** The extension cRLDistributionPoints, for a certificate. */
export function namesPoints (...points: PointOptions[]): Extension {
  return new Extension('2.5.29.31', false, distributionPoints(...points))
}

/** DER of a Name with one common name of a string type. */
export function commonName (text: string, tag = 0x0c): Buffer {
  return element(SEQUENCE, element(0x31, commonNameAttribute(text, tag)))
}

/** How the string types that are not of one byte a letter are written. */
const encodings = new Map<number, (text: string) => Buffer>([
  [0x0c, (text) => Buffer.from(text)],
  [0x1e, (text) => Buffer.from(text, 'utf16le').swap16()],
  [0x1c, (text) => Buffer.from(Uint32Array.from(text, (letter) => letter.codePointAt(0) ?? 0).buffer).swap32()]
])

/** The attribute alone, which is what a name relative to an issuer's holds. */
export function commonNameAttribute (text: string, tag = 0x0c): Buffer {
  const bytes = encodings.get(tag)?.(text) ?? Buffer.from(text, 'latin1')
  return element(SEQUENCE, oid('2.5.4.3'), element(tag, bytes))
}

export interface ScopeOptions {
  /** GeneralNames, for example `uri('http://crl.test/1')`. */
  names?: Buffer[]
  /** DER of the attributes of a name relative to the issuer's. */
  relativeName?: Buffer
  onlyUser?: boolean
  onlyAuthority?: boolean
  onlyAttribute?: boolean
  indirect?: boolean
  /** Numbers of the bits of ReasonFlags. */
  reasons?: number[]
}

/** The extension issuingDistributionPoint. */
export function scope ({ names, relativeName, onlyUser = false, onlyAuthority = false, onlyAttribute = false, indirect = false, reasons }: ScopeOptions): Buffer {
  const yes = (tag: number, value: boolean): Buffer[] => value ? [element(tag, Buffer.of(0xff))] : []
  return extension('2.5.29.28', element(SEQUENCE,
    ...pointName(names, relativeName),
    ...yes(0x81, onlyUser),
    ...yes(0x82, onlyAuthority),
    ...(reasons === undefined ? [] : [element(0x83, reasonFlags(reasons))]),
    ...yes(0x84, indirect),
    ...yes(0x85, onlyAttribute)), true)
}

export interface PointOptions {
  names?: Buffer[]
  relativeName?: Buffer
  reasons?: number[]
  /** GeneralNames. */
  crlIssuer?: Buffer[]
}

/** The value of a certificate's cRLDistributionPoints. */
export function distributionPoints (...points: PointOptions[]): Buffer {
  return element(SEQUENCE, ...points.map(({ names, relativeName, reasons, crlIssuer }) => element(SEQUENCE,
    ...pointName(names, relativeName),
    ...(reasons === undefined ? [] : [element(0x81, reasonFlags(reasons))]),
    ...(crlIssuer === undefined ? [] : [element(0xa2, ...crlIssuer)]))))
}

export function uri (text: string): Buffer {
  return element(0x86, Buffer.from(text))
}

/** @param name DER of a Name */
export function directoryName (name: Buffer): Buffer {
  return element(0xa4, name)
}

/** The subject of a certificate, in DER. */
export function subjectOf (certificate: Buffer): Buffer {
  // tbs: version, serial number, algorithm, issuer, validity, subject.
  const [tbs] = childrenOf(certificate) as [Buffer]
  return (childrenOf(tbs)[5] as Buffer)
}

/** The subjectKeyIdentifier of a certificate of `pki`, for `keyId`. */
export function keyIdOf (certificate: Buffer): Buffer {
  const start = certificate.indexOf(Buffer.from('0603551d0e041604', 'hex'))
  return certificate.subarray(start + 9, start + 29)
}

/** The serial number of a certificate, as an entry takes it. */
export function serialOf (certificate: Buffer): string {
  const [tbs] = childrenOf(certificate) as [Buffer]
  return contentOf(childrenOf(tbs)[1] as Buffer).toString('hex')
}

function pointName (names: Buffer[] | undefined, relativeName: Buffer | undefined): Buffer[] {
  if (names !== undefined) return [element(0xa0, element(0xa0, ...names))]
  return relativeName === undefined ? [] : [element(0xa0, element(0xa1, relativeName))]
}

function reasonFlags (reasons: number[]): Buffer {
  const bytes = Buffer.alloc(2)
  for (const reason of reasons) bytes[reason >> 3] = (bytes[reason >> 3] as number) | 0x80 >> (reason & 7)
  return bytes[1] === 0 ? Buffer.of(0, bytes[0] as number) : Buffer.of(7, ...bytes)
}

function extensionsOf ({ number = 1, base, scope, keyId, extensions = [] }: CrlOptions): Buffer[] {
  return [
    ...(keyId === undefined ? [] : [extension('2.5.29.35', element(SEQUENCE, element(0x80, keyId)))]),
    ...(number === null ? [] : [extension('2.5.29.20', integer(number))]),
    ...(base === undefined ? [] : [extension('2.5.29.27', integer(base), true)]),
    ...(scope === undefined ? [] : [scope]),
    ...extensions
  ]
}

function entryOf ({ serial, revokedAt = new Date(Date.now() - DAY), reason, certificateIssuer, extensions = [] }: CrlEntryOptions, time: (date: Date) => Buffer): Buffer {
  const all = [
    ...(reason === undefined ? [] : [extension('2.5.29.21', element(0x0a, Buffer.of(reason)))]),
    ...(certificateIssuer === undefined ? [] : [extension('2.5.29.29', element(SEQUENCE, directoryName(certificateIssuer)), true)]),
    ...extensions
  ]
  return element(SEQUENCE, element(0x02, Buffer.from(serial, 'hex')), time(revokedAt), ...(all.length === 0 ? [] : [element(SEQUENCE, ...all)]))
}

function algorithmFor (key: KeyObject): SignatureAlgorithm {
  if (key.asymmetricKeyType === 'ed25519') return 'Ed25519'
  return key.asymmetricKeyType === 'ec' ? 'ECDSA-SHA256' : 'RSA-SHA256'
}
