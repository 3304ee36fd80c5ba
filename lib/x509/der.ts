/**
 * A walk over DER that finds the parts of a certificate as positions in its bytes.
 *
 * A handshake has no time for a tree of objects. Re-encoding would not do either: the hash must cover the bytes as
 * received, because those were signed. Every length is checked against its parent before it is used, and each step moves
 * forward.
 */
import { errors } from '../errors.js'

/** A DER element, as positions in the bytes. */
export interface DerElement {
  readonly tag: number
  /** Position of its tag. */
  readonly start: number
  /** Start of its content. */
  readonly content: number
  /** Position after it. */
  readonly end: number
}

/** The parts of a certificate (RFC 5280 section 4.1). */
export interface CertificateLayout {
  readonly tbs: DerElement
  readonly serialNumber: DerElement
  readonly issuer: DerElement
  readonly subject: DerElement
  readonly subjectPublicKeyInfo: DerElement
}

export const BOOLEAN = 0x01
export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const OBJECT_IDENTIFIER = 0x06
export const UTC_TIME = 0x17
export const GENERALIZED_TIME = 0x18
export const SEQUENCE = 0x30
export const SET = 0x31
export const VERSION = 0xa0
export const EXTENSIONS = 0xa3
/** An indefinite length: two zero bytes end the element (X.690 section 8.1.3.6). DER has none. */
export const INDEFINITE = 0x80

/** A reusable element, for reading millions of them without allocation. */
export class DerCursor implements DerElement {
  tag = 0
  start = 0
  content = 0
  end = 0

  /** See `readElement`. */
  read (bytes: Uint8Array, start: number, limit: number): this {
    const problem = this.attempt(bytes, start, limit)
    if (problem !== undefined) throw invalid(problem)
    return this
  }

  /** As `read`, but returns the problem instead of throwing it; the cursor is invalid then. */
  attempt (bytes: Uint8Array, start: number, limit: number): string | undefined {
    const tag = bytes[start]
    const first = bytes[start + 1]
    if (start + 2 > limit || tag === undefined || first === undefined) return 'it is cut short'
    if ((tag & 0x1f) === 0x1f) return 'a tag of several bytes'
    let content = start + 2
    let length = first
    if (first > 0x80) {
      const size = first & 0x7f
      if (size > 6) return 'a length of more than six bytes'
      if (content + size > limit) return 'it is cut short'
      length = 0
      for (const end = content + size; content < end; content++) length = length * 256 + (bytes[content] ?? 0)
    } else if (first === INDEFINITE) {
      return 'an indefinite length'
    }
    this.tag = tag
    this.start = start
    this.content = content
    this.end = content + length
    return this.end > limit ? 'it is cut short' : undefined
  }

  /** As `read`, for an element that must have a certain tag. */
  expectTag (bytes: Uint8Array, start: number, limit: number, tag: number): this {
    this.read(bytes, start, limit)
    if (this.tag !== tag) throw invalid(`tag ${this.tag} where ${tag} belongs`)
    return this
  }
}

/**
 * Reads the tag and the length of the element at a position.
 *
 * A length may have more bytes than it needs: OpenSSL accepts that, so a client may send it.
 *
 * @param limit the end of the parent, which the element must not exceed
 * @throws FST_ENDPOINT_DER_INVALID if it does, for an indefinite length, and for a tag of several bytes, which nothing in
 *   a certificate's frame has
 */
export function readElement (bytes: Uint8Array, start: number, limit: number): DerElement {
  return new DerCursor().read(bytes, start, limit)
}

/** The children of a constructed element. */
export function * childrenOf (bytes: Uint8Array, { content, end }: Pick<DerElement, 'content' | 'end'>): Generator<DerElement> {
  for (let place = content; place < end;) {
    const child = readElement(bytes, place, end)
    yield child
    place = child.end
  }
}

/** One extension of a certificate, a CRL or an entry of one (RFC 5280 section 4.1). */
export interface Extension {
  /** The number below 2.5.29; undefined for other arcs. */
  readonly id: number | undefined
  readonly critical: boolean
  /** The OCTET STRING, whose content is the value in DER. */
  readonly value: DerElement
}

/**
 * The extensions of a list of them.
 *
 * @param list the SEQUENCE OF Extension
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function * extensionsOf (bytes: Uint8Array, list: DerElement): Generator<Extension> {
  for (const extension of childrenOf(bytes, list)) yield readExtension(bytes, extension)
}

/**
 * One extension of a list of them.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
function readExtension (bytes: Uint8Array, extension: DerElement): Extension {
  const read = attemptExtension(bytes, extension)
  if (typeof read === 'string') throw invalid(read)
  return read
}

/** As `readExtension`, but returns the problem: creating an error costs more than the reading, and there may be many. */
export function attemptExtension (bytes: Uint8Array, extension: DerElement): Extension | string {
  const oid = new DerCursor()
  const value = new DerCursor()
  const problem = oid.attempt(bytes, extension.content, extension.end)
  if (problem !== undefined) return problem
  if (extension.tag !== SEQUENCE || oid.tag !== OBJECT_IDENTIFIER || oid.end === oid.content) return 'an invalid extension'
  let rest = value.attempt(bytes, oid.end, extension.end)
  let critical = false
  if (rest === undefined && value.tag === BOOLEAN) {
    if (value.end - value.content !== 1) return NO_BOOLEAN
    critical = bytes[value.content] !== 0
    rest = value.attempt(bytes, value.end, extension.end)
  }
  if (rest !== undefined) return rest
  if (value.tag !== OCTET_STRING || value.end !== extension.end) return 'an extension without its value'
  const isBelow = oid.end - oid.content === 3 && bytes[oid.content] === 0x55 && bytes[oid.content + 1] === 0x1d
  return { id: isBelow ? bytes[oid.content + 2] : undefined, critical, value }
}

const NO_BOOLEAN = 'a BOOLEAN that is not one byte'

/** Whether a BOOLEAN, whatever its tag, is true: X.690 section 8.2.2 takes any value but 0. */
export function isTrue (bytes: Uint8Array, { content, end }: DerElement): boolean {
  if (end - content !== 1) throw invalid(NO_BOOLEAN)
  return bytes[content] !== 0
}

/**
 * Finds the parts of a certificate.
 *
 * @throws FST_ENDPOINT_DER_INVALID unless the bytes are exactly one certificate
 */
export function readCertificate (bytes: Uint8Array): CertificateLayout {
  const certificate = expectTag(bytes, 0, bytes.length, SEQUENCE)
  if (certificate.end !== bytes.length) throw invalid('extra data follows it')
  const tbs = expectTag(bytes, certificate.content, certificate.end, SEQUENCE)
  const algorithm = expectTag(bytes, tbs.end, certificate.end, SEQUENCE)
  const signature = expectTag(bytes, algorithm.end, certificate.end, BIT_STRING)
  if (signature.end !== certificate.end) throw invalid('extra data follows its signature')

  let next = tbs.content
  // Left out in version 1.
  if (bytes[next] === VERSION) next = expectTag(bytes, next, tbs.end, VERSION).end
  const serialNumber = expectTag(bytes, next, tbs.end, INTEGER)
  if (serialNumber.end === serialNumber.content) throw invalid('an INTEGER without content')
  const signatureAlgorithm = expectTag(bytes, serialNumber.end, tbs.end, SEQUENCE)
  const issuer = expectTag(bytes, signatureAlgorithm.end, tbs.end, SEQUENCE)
  const validity = expectTag(bytes, issuer.end, tbs.end, SEQUENCE)
  const subject = expectTag(bytes, validity.end, tbs.end, SEQUENCE)
  const subjectPublicKeyInfo = expectTag(bytes, subject.end, tbs.end, SEQUENCE)
  return { tbs, serialNumber, issuer, subject, subjectPublicKeyInfo }
}

/** The extensions of a certificate; none where it has none. */
export function * certificateExtensions (bytes: Uint8Array, { tbs, subjectPublicKeyInfo }: CertificateLayout): Generator<Extension> {
  for (const field of childrenOf(bytes, { content: subjectPublicKeyInfo.end, end: tbs.end })) {
    if (field.tag === EXTENSIONS) yield * extensionsOf(bytes, expectTag(bytes, field.content, field.end, SEQUENCE))
  }
}

/** Reads an element that must have a certain tag. */
export function expectTag (bytes: Uint8Array, start: number, limit: number, tag: number): DerElement {
  return new DerCursor().expectTag(bytes, start, limit, tag)
}

/**
 * Whether bytes are DER rather than text: a SEQUENCE of 128 bytes or more, or of indefinite length. No UTF-8 text begins
 * with the digit 0 and then a continuation byte.
 */
export function isDer (bytes: Uint8Array): boolean {
  const [tag, length = 0] = bytes
  return tag === SEQUENCE && length >= INDEFINITE && length < 0xc0
}

/** The content of an element in hexadecimal. */
export function hexOf (bytes: Uint8Array, { content, end }: Pick<DerElement, 'content' | 'end'>): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + content, end - content).toString('hex')
}

/** The result of a reader; undefined where it throws FST_ENDPOINT_DER_INVALID. */
export function unlessInvalid<T> (read: () => T): T | undefined {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof errors.FST_ENDPOINT_DER_INVALID) return undefined
    throw thrown
  }
}

/** The error of all readers of DER. */
export function invalid (problem: string): Error {
  return new errors.FST_ENDPOINT_DER_INVALID(problem)
}
