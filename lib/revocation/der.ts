/**
 * The few parts of a certificate that revocation needs, found by walking its DER.
 *
 * A handshake has no time for a tree of objects, and re-encoding would not do anyway: what is hashed
 * must be the bytes as received, since those are what was signed. So this gives places in the bytes.
 * Every length is checked against its surroundings before it is believed, each step moves forward,
 * and the number of steps does not depend on what is read.
 */
import { errors } from '../errors.js'

/** A DER element, as places in the bytes that it was read from. */
export interface DerElement {
  readonly tag: number
  /** Where its tag stands. */
  readonly start: number
  /** Where its content begins. */
  readonly content: number
  /** The place behind it. */
  readonly end: number
}

/** The parts of a certificate (RFC 5280 section 4.1), as places in its bytes. */
export interface CertificateLayout {
  readonly tbs: DerElement
  readonly serialNumber: DerElement
  readonly issuer: DerElement
  readonly subjectPublicKeyInfo: DerElement
}

const INTEGER = 0x02
const BIT_STRING = 0x03
const SEQUENCE = 0x30
const VERSION = 0xa0

/**
 * Reads the tag and the length of the element at a place.
 *
 * A length may be written longer than it need be: OpenSSL takes that, so a client may come with it.
 *
 * @param limit the place behind the surroundings; the element must end there at the latest
 * @throws FST_ENDPOINT_DER_INVALID if it does not, for an indefinite length, and for a tag of more
 *   than one byte, which nothing in a certificate's frame has
 */
export function readElement (bytes: Uint8Array, start: number, limit: number): DerElement {
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (start + 2 > limit || tag === undefined || first === undefined) throw invalid('it is cut short')
  if ((tag & 0x1f) === 0x1f) throw invalid('a tag of several bytes')
  let content = start + 2
  let length = first
  if (first > 0x80) {
    const size = first & 0x7f
    if (size > 6) throw invalid('a length of more than six bytes')
    if (content + size > limit) throw invalid('it is cut short')
    length = 0
    for (const end = content + size; content < end; content++) length = length * 256 + (bytes[content] ?? 0)
  } else if (first === 0x80) {
    throw invalid('a length that is not stated')
  }
  const end = content + length
  if (end > limit) throw invalid('it is cut short')
  return { tag, start, content, end }
}

/**
 * Finds the parts of the one certificate that the bytes hold.
 *
 * @throws FST_ENDPOINT_DER_INVALID if the bytes are anything else, or more
 */
export function readCertificate (bytes: Uint8Array): CertificateLayout {
  const certificate = expect(bytes, 0, bytes.length, SEQUENCE)
  if (certificate.end !== bytes.length) throw invalid('something follows it')
  const tbs = expect(bytes, certificate.content, certificate.end, SEQUENCE)
  const algorithm = expect(bytes, tbs.end, certificate.end, SEQUENCE)
  const signature = expect(bytes, algorithm.end, certificate.end, BIT_STRING)
  if (signature.end !== certificate.end) throw invalid('something follows its signature')

  let next = tbs.content
  // Left out in version 1.
  if (bytes[next] === VERSION) next = expect(bytes, next, tbs.end, VERSION).end
  const serialNumber = expect(bytes, next, tbs.end, INTEGER)
  if (serialNumber.end === serialNumber.content) throw invalid('an INTEGER without content')
  const signatureAlgorithm = expect(bytes, serialNumber.end, tbs.end, SEQUENCE)
  const issuer = expect(bytes, signatureAlgorithm.end, tbs.end, SEQUENCE)
  const validity = expect(bytes, issuer.end, tbs.end, SEQUENCE)
  const subject = expect(bytes, validity.end, tbs.end, SEQUENCE)
  const subjectPublicKeyInfo = expect(bytes, subject.end, tbs.end, SEQUENCE)
  return { tbs, serialNumber, issuer, subjectPublicKeyInfo }
}

function expect (bytes: Uint8Array, start: number, limit: number, tag: number): DerElement {
  const element = readElement(bytes, start, limit)
  if (element.tag !== tag) throw invalid(`tag ${element.tag} where ${tag} belongs`)
  return element
}

function invalid (problem: string): Error {
  return new errors.FST_ENDPOINT_DER_INVALID(problem)
}
