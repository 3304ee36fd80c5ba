/**
 * Checks the public keys of untrusted certificates before OpenSSL verifies anything with them.
 *
 * Node.js 20 and 22 abort (SIGABRT) when asked for the details of a key that OpenSSL accepts but cannot convert, such as the
 * point at infinity or a negative DSA key. So type, curve and size are read here from the SubjectPublicKeyInfo (RFC 5280
 * section 4.1.2.7). Nothing calls `asymmetricKeyDetails`, the export as JWK or `toLegacyObject`.
 *
 * OpenSSL also accepts keys for which anybody can sign (RSA with an exponent of 1, Ed25519 of small order), and keys
 * that take milliseconds a signature. Such keys are refused here. OpenSSL itself checks that a point is on its curve.
 */
import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { errors, located, reasonOf } from '../errors.js'
import {
  BIT_STRING, childrenOf, type DerElement, expectTag, hexOf, INTEGER, OBJECT_IDENTIFIER, readCertificate, SEQUENCE
} from './der.js'
import { CURVES, EC_PUBLIC_KEY, RSA_ENCRYPTION, RSASSA_PSS } from './oids.js'

/** Type and size of a public key, read from its encoding. */
export interface PublicKey {
  /** Node's name (`asymmetricKeyType`); the object identifier of an unknown type, if it can be read. */
  readonly type: string
  /** OpenSSL's name of the curve, or its object identifier. Only for `ec` keys that name one. */
  readonly curve?: string
  /** Bits of the modulus. Only for `rsa`, `rsa-pss` and `dsa`. */
  readonly size?: number
  /** Why the key is refused; undefined if OpenSSL may use it. */
  readonly problem?: string
}

/** Bits of an RSA modulus. Shorter ones are easily factored; OpenSSL refuses longer ones. */
const RSA_SIZES = { least: 512, most: 16_384 }
/** Verifying under a larger exponent costs milliseconds instead of microseconds, and nobody uses one. */
const MAX_RSA_EXPONENT_BYTES = 4
/** Bits of p. FIPS 186 defines 1,024 to 3,072; OpenSSL accepts 10,000, which takes milliseconds. */
const DSA_SIZES = { least: 512, most: 4096 }
/** Bits of q that FIPS 186-4 defines; OpenSSL accepts no others. */
const DSA_DIVISORS: ReadonlySet<number> = new Set([160, 224, 256])
/** Bytes of a coordinate of OpenSSL's largest curve, which has 571 bits. */
const MAX_COORDINATE = 72

const NULL = 0x05

/** The parts of a SubjectPublicKeyInfo. */
interface Parts {
  readonly bytes: Uint8Array
  readonly parameters: DerElement | undefined
  /** Where the key is. */
  readonly content: number
  readonly end: number
}

type KeyDetails = Pick<PublicKey, 'curve' | 'size'>

interface Kind {
  readonly type: string
  /** Throws Unsound and FST_ENDPOINT_DER_INVALID. */
  readonly read: (parts: Parts) => KeyDetails
}

/** By the content of the object identifier, in hexadecimal. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [RSA_ENCRYPTION, { type: 'rsa', read: readRsa }],
  [RSASSA_PSS, { type: 'rsa-pss', read: readPss }],
  [EC_PUBLIC_KEY, { type: 'ec', read: readPoint }],
  ['2a8648ce380401', { type: 'dsa', read: readDsa }],
  ['2b6570', { type: 'ed25519', read: (parts) => readEdwards(parts, ED25519) }],
  ['2b6571', { type: 'ed448', read: (parts) => readEdwards(parts, ED448) }],
  ['2b656e', { type: 'x25519', read: refuseAgreement }],
  ['2b656f', { type: 'x448', read: refuseAgreement }],
  ['2a864886f70d010301', { type: 'dh', read: refuseAgreement }],
  ['2a8648ce3e0201', { type: 'dh', read: refuseAgreement }],
  // FIPS 204 and 205. Whether this Node.js can read them depends on its OpenSSL.
  ofLength('ml-dsa-44', 0x11, 1312),
  ofLength('ml-dsa-65', 0x12, 1952),
  ofLength('ml-dsa-87', 0x13, 2592),
  ...['sha2-128s', 'sha2-128f', 'sha2-192s', 'sha2-192f', 'sha2-256s', 'sha2-256f'].map((type, index) =>
    ofLength(`slh-dsa-${type}`, 0x14 + index, 32 + 16 * (index >> 1))),
  ...['shake-128s', 'shake-128f', 'shake-192s', 'shake-192f', 'shake-256s', 'shake-256f'].map((type, index) =>
    ofLength(`slh-dsa-${type}`, 0x1a + index, 32 + 16 * (index >> 1)))
])

/** Why a key is refused, with the details that could be read. */
class Unsound extends Error {
  readonly details: KeyDetails

  constructor (problem: string, known: KeyDetails = {}) {
    super(problem)
    this.details = known
  }
}

/**
 * Reads the public key of a certificate, and whether OpenSSL may verify with it. Takes a few microseconds. Never throws.
 *
 * @param certificate in DER
 */
export function readPublicKey (certificate: Uint8Array): PublicKey {
  try {
    const { subjectPublicKeyInfo: { start, end } } = readCertificate(certificate)
    return readPublicKeyInfo(certificate.subarray(start, end))
  } catch (thrown) {
    return { type: 'unknown', problem: reasonOf(thrown) }
  }
}

/** The same for a SubjectPublicKeyInfo in DER. */
export function readPublicKeyInfo (bytes: Uint8Array): PublicKey {
  let type = 'unknown'
  try {
    const info = expectTag(bytes, 0, bytes.length, SEQUENCE)
    const algorithm = expectTag(bytes, info.content, info.end, SEQUENCE)
    const id = expectTag(bytes, algorithm.content, algorithm.end, OBJECT_IDENTIFIER)
    const kind = KINDS.get(hexOf(bytes, id))
    type = kind?.type ?? dottedOf(bytes, id) ?? type
    if (kind === undefined) throw new Unsound('keys of its kind are not supported')
    const [parameters, ...others] = childrenOf(bytes, { content: id.end, end: algorithm.end })
    if (others.length > 0) throw new Unsound('extra data follows the parameters of its algorithm')
    const bits = expectTag(bytes, algorithm.end, info.end, BIT_STRING)
    if (bits.end !== bytes.length) throw new Unsound('extra data follows it')
    // The first byte is the number of unused bits.
    if (bits.content === bits.end || bytes[bits.content] !== 0) throw new Unsound('it does not consist of whole bytes')
    return { type, ...kind.read({ bytes, parameters, content: bits.content + 1, end: bits.end }) }
  } catch (thrown) {
    return { type, ...(thrown instanceof Unsound && thrown.details), problem: reasonOf(thrown) }
  }
}

/**
 * The key of a certificate, for verifying only: never ask this KeyObject for details.
 *
 * @throws FST_ENDPOINT_PUBLIC_KEY if it is not sound, or this Node.js cannot read it
 */
export function publicKeyOf (certificate: X509Certificate): KeyObject {
  const { type, problem } = readPublicKey(certificate.raw)
  if (problem !== undefined) throw new errors.FST_ENDPOINT_PUBLIC_KEY(wordsFor(type), problem)
  try {
    return certificate.publicKey
  } catch (thrown) {
    throw located(new errors.FST_ENDPOINT_PUBLIC_KEY(wordsFor(type), `this Node.js (${process.version}) cannot read it`), {}, thrown)
  }
}

/** Whether the key of one certificate has signed another. Never throws: a refused key has signed nothing. */
export function isSignedBy (certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(publicKeyOf(issuer))
  } catch {
    return false
  }
}

/** A key in a few words, for example `EC P-256` or `RSA 2048`. */
export function describePublicKey ({ type, curve, size, problem }: PublicKey): string {
  const detail = curve === undefined ? size : CURVE_NAMES.get(curve) ?? curve
  const words = `${wordsFor(type)}${detail === undefined ? '' : ` ${detail}`}`
  return problem === undefined ? words : `${words} (cannot be used: ${problem})`
}

/** The type and size of a private key in the same words; no secret is read. */
export function describePrivateKey (key: KeyObject): string {
  try {
    return describePublicKey(readPublicKeyInfo(createPublicKey(key).export({ type: 'spki', format: 'der' })))
  } catch {
    return wordsFor(key.asymmetricKeyType ?? 'unknown')
  }
}

const CURVE_NAMES = new Map([['prime256v1', 'P-256'], ['secp384r1', 'P-384'], ['secp521r1', 'P-521']])
const TYPE_NAMES = new Map([
  ['ec', 'EC'], ['rsa', 'RSA'], ['rsa-pss', 'RSA-PSS'], ['dsa', 'DSA'], ['dh', 'DH'], ['ed25519', 'Ed25519'], ['ed448', 'Ed448'],
  ['x25519', 'X25519'], ['x448', 'X448'], ['unknown', 'key of an unknown kind']
])

function wordsFor (type: string): string {
  if (/^\d/.test(type)) return `key of the kind ${type}`
  return TYPE_NAMES.get(type) ?? type.toUpperCase()
}

/** RFC 5480 sections 2.1.1 and 2.2. */
function readPoint ({ bytes, parameters, content, end }: Parts): KeyDetails {
  if (parameters === undefined) throw new Unsound('it names no curve')
  if (parameters.tag === SEQUENCE) throw new Unsound('its curve is given by its parameters instead of its name')
  if (parameters.tag !== OBJECT_IDENTIFIER) throw new Unsound('it names no curve')
  const known = CURVES.get(hexOf(bytes, parameters))
  const curve = known?.name ?? dottedOf(bytes, parameters)
  if (curve === undefined) throw new Unsound('it names no curve')
  const length = end - content
  const form = bytes[content]
  const coordinates = form === 0x04 ? 2 : 1
  const coordinate = (length - 1) / coordinates
  if (length === 1 && form === 0) throw new Unsound('it is the point at infinity', { curve })
  if (form !== 0x02 && form !== 0x03 && form !== 0x04) throw new Unsound('its point is neither compressed nor uncompressed', { curve })
  const isOfCurve = known === undefined
    ? coordinate >= 1 && coordinate <= MAX_COORDINATE && Number.isInteger(coordinate)
    : coordinate === Math.ceil(known.bits / 8)
  if (!isOfCurve) throw new Unsound('its point has another length than its curve requires', { curve })
  return { curve }
}

/** RFC 3279 section 2.3.1. The parameters should be NULL; many keys omit them. */
function readRsa ({ parameters, ...key }: Parts): KeyDetails {
  const isNull = parameters?.tag === NULL && parameters.end === parameters.content
  if (parameters !== undefined && !isNull) throw new Unsound('it has the parameters of another kind of key')
  return readModulus(key)
}

/** RFC 4055 section 1.2. OpenSSL itself refuses unknown hashes. */
function readPss ({ parameters, ...key }: Parts): KeyDetails {
  const { bytes } = key
  if (parameters === undefined) return readModulus(key)
  if (parameters.tag !== SEQUENCE) throw new Unsound('it has the parameters of another kind of key')
  let last = 0
  for (const { tag, content, end } of childrenOf(bytes, parameters)) {
    // hashAlgorithm, maskGenAlgorithm, saltLength and trailerField, each at most once.
    if (tag < 0xa0 || tag > 0xa3 || tag <= last) throw new Unsound('its parameters cannot be read')
    last = tag
    const value = expectTag(bytes, content, end, tag < 0xa2 ? SEQUENCE : INTEGER)
    if (value.end !== end) throw new Unsound('its parameters cannot be read')
    if (tag === 0xa2 && naturalOf(bytes, value).length > 2) throw new Unsound('it requires a salt longer than any signature has')
    const isOne = value.end - value.content === 1 && bytes[value.content] === 1
    if (tag === 0xa3 && !isOne) throw new Unsound('it requires an unknown trailer')
  }
  return readModulus(key)
}

function readModulus ({ bytes, content, end }: Omit<Parts, 'parameters'>): KeyDetails {
  const list = expectTag(bytes, content, end, SEQUENCE)
  if (list.end !== end) throw new Unsound('extra data follows it')
  const modulus = expectTag(bytes, list.content, list.end, INTEGER)
  const publicExponent = expectTag(bytes, modulus.end, list.end, INTEGER)
  if (publicExponent.end !== list.end) throw new Unsound('extra data follows its exponent')
  const n = naturalOf(bytes, modulus)
  const size = bitsOf(n)
  demandSize(size, RSA_SIZES)
  if (!isOdd(n)) throw new Unsound('its modulus is even', { size })
  const e = naturalOf(bytes, publicExponent)
  // With at most four bytes it is less than any modulus.
  if (e.length > MAX_RSA_EXPONENT_BYTES) throw new Unsound(`its exponent has more than ${8 * MAX_RSA_EXPONENT_BYTES} bits`, { size })
  if (!isOdd(e) || bitsOf(e) < 2) throw new Unsound('its exponent must be odd, and more than 1: anybody could sign for it', { size })
  return { size }
}

/** RFC 3279 section 2.3.2. Whether p and q are prime is not checked: that takes too long. */
function readDsa ({ bytes, parameters, content, end }: Parts): KeyDetails {
  if (parameters?.tag !== SEQUENCE) throw new Unsound('it has no parameters')
  const numbers = [...childrenOf(bytes, parameters)]
  if (numbers.length !== 3 || numbers.some(({ tag }) => tag !== INTEGER)) throw new Unsound('its parameters cannot be read')
  const value = expectTag(bytes, content, end, INTEGER)
  if (value.end !== end) throw new Unsound('extra data follows it')
  const [p, q, g, y] = [...numbers, value].map((number) => naturalOf(bytes, number)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const size = bitsOf(p)
  demandSize(size, DSA_SIZES)
  if (!isOdd(p) || !isOdd(q) || !DSA_DIVISORS.has(bitsOf(q))) throw new Unsound('its parameters are not those of a DSA key', { size })
  if ([g, y].some((number) => bitsOf(number) < 2 || !isLess(number, p))) {
    throw new Unsound('its numbers must be between 1 and its modulus', { size })
  }
  return { size }
}

function demandSize (size: number, { least, most }: typeof RSA_SIZES): void {
  if (size >= least && size <= most) return
  throw new Unsound(`its modulus has ${size} bits: only ${least} to ${most} are accepted`, { size })
}

interface EdwardsCurve {
  readonly length: number
  /** The prime of its field. Keys encode numbers with the least significant byte first. */
  readonly field: bigint
  /** The y of the points of small order: for them anybody can make signatures that verify for any text. */
  readonly small: ReadonlySet<bigint>
}

const P25519 = 2n ** 255n - 19n
const P448 = 2n ** 448n - 2n ** 224n - 1n
const Y8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n
const ED25519: EdwardsCurve = { length: 32, field: P25519, small: new Set([0n, 1n, P25519 - 1n, Y8, P25519 - Y8]) }
const ED448: EdwardsCurve = { length: 57, field: P448, small: new Set([0n, 1n, P448 - 1n]) }

/** RFC 8410 section 4, RFC 8032 sections 5.1.3 and 5.2.3. */
function readEdwards ({ bytes, parameters, content, end }: Parts, { length, field, small }: EdwardsCurve): KeyDetails {
  if (parameters !== undefined) throw new Unsound('it has the parameters of another kind of key')
  if (end - content !== length) throw new Unsound(`it has ${end - content} bytes instead of ${length}`)
  const digits = Buffer.from(bytes.subarray(content, end)).reverse()
  // The first bit is the sign of x.
  digits[0] = (digits[0] ?? 0) & 0x7f
  const y = BigInt(`0x${digits.toString('hex')}`)
  if (y >= field) throw new Unsound('it is not encoded as RFC 8032 requires')
  if (small.has(y)) throw new Unsound('anybody can sign for it: it is a point of small order')
  return {}
}

function refuseAgreement (): never {
  throw new Unsound('keys of its kind cannot sign')
}

/** A key type of 2.16.840.1.101.3.4.3 with a fixed length and no parameters. */
function ofLength (type: string, last: number, length: number): [string, Kind] {
  const read = ({ parameters, content, end }: Parts): KeyDetails => {
    if (parameters !== undefined) throw new Unsound('it has the parameters of another kind of key')
    if (end - content !== length) throw new Unsound(`it has ${end - content} bytes instead of ${length}`)
    return {}
  }
  return [`6086480165030403${last.toString(16).padStart(2, '0')}`, { type, read }]
}

/** The digits of a number that is not negative, in base 256 without leading zeros; none for 0. */
function naturalOf (bytes: Uint8Array, { content, end }: DerElement): Uint8Array {
  const first = bytes[content]
  if (content === end || first === undefined) throw new Unsound('one of its numbers is empty')
  if (first >= 0x80) throw new Unsound('one of its numbers is negative')
  if (first !== 0) return bytes.subarray(content, end)
  // X.690 section 8.3.2: one zero, and only where the first digit would make it negative.
  if (end - content > 1 && (bytes[content + 1] ?? 0) < 0x80) throw new Unsound('one of its numbers is not encoded as DER requires')
  return bytes.subarray(content + 1, end)
}

function bitsOf (digits: Uint8Array): number {
  return digits.length === 0 ? 0 : 8 * digits.length - Math.clz32(digits[0] as number) + 24
}

function isOdd (digits: Uint8Array): boolean {
  return ((digits.at(-1) ?? 0) & 1) === 1
}

function isLess (one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length ? Buffer.compare(one, other) < 0 : one.length < other.length
}

/** An object identifier in dotted decimal; undefined where it is malformed or longer than any in use. */
function dottedOf (bytes: Uint8Array, { content, end }: DerElement): string | undefined {
  if (content === end || end - content > 32 || (bytes[end - 1] ?? 0) >= 0x80) return undefined
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of bytes.subarray(content, end)) {
    arc = arc << 7n | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    arcs.push(arc)
    arc = 0n
  }
  const [first = 0n, ...rest] = arcs
  const root = first < 80n ? first / 40n : 2n
  return [root, first - 40n * root, ...rest].join('.')
}
