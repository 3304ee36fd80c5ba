/**
 * Checks the structure of a whole certificate. `readCertificate` reads its frame only, and a file of the list must not
 * count as a certificate because it begins like one.
 *
 * OpenSSL takes 170 µs for the same check, so it is asked only if this check fails. Values that OpenSSL does not check
 * when it reads a certificate, such as dates, are not checked here either.
 */
import {
  BIT_STRING, type CertificateLayout, childrenOf, type DerElement, expectTag, extensionsOf, EXTENSIONS, GENERALIZED_TIME,
  INTEGER, invalid, OBJECT_IDENTIFIER, readElement, SEQUENCE, SET, UTC_TIME, VERSION
} from './der.js'
import { isInPieces } from './definite-lengths.js'

/** The tags of issuerUniqueID and subjectUniqueID. */
const ISSUER_UNIQUE_ID = 0x81
const SUBJECT_UNIQUE_ID = 0x82

/**
 * Checks a certificate (RFC 5280 section 4.1) down to the types of its fields.
 *
 * @param layout the result of `readCertificate`
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function checkCertificate (bytes: Uint8Array, layout: CertificateLayout): void {
  const { tbs, serialNumber, issuer, subject, subjectPublicKeyInfo } = layout
  const algorithm = readElement(bytes, tbs.end, bytes.length)
  checkAlgorithm(bytes, algorithm)
  checkBits(bytes, readElement(bytes, algorithm.end, bytes.length))
  checkVersion(bytes, tbs.content, serialNumber.start)
  checkAlgorithm(bytes, readElement(bytes, serialNumber.end, tbs.end))
  checkName(bytes, issuer)
  checkValidity(bytes, readElement(bytes, issuer.end, tbs.end))
  checkName(bytes, subject)
  const keyAlgorithm = expectTag(bytes, subjectPublicKeyInfo.content, subjectPublicKeyInfo.end, SEQUENCE)
  checkAlgorithm(bytes, keyAlgorithm)
  const key = expectTag(bytes, keyAlgorithm.end, subjectPublicKeyInfo.end, BIT_STRING)
  checkBits(bytes, key)
  if (key.end !== subjectPublicKeyInfo.end) throw invalid('extra data follows its public key')
  checkOptionalFields(bytes, subjectPublicKeyInfo.end, tbs.end)
}

function checkVersion (bytes: Uint8Array, start: number, end: number): void {
  if (start === end) return
  const { content } = expectTag(bytes, start, end, VERSION)
  const version = expectTag(bytes, content, end, INTEGER)
  if (version.end !== end || version.content === end) throw invalid('a version that is not one INTEGER')
}

function checkAlgorithm (bytes: Uint8Array, { content, end }: DerElement): void {
  const oid = expectTag(bytes, content, end, OBJECT_IDENTIFIER)
  if (oid.content === oid.end) throw invalid('an OBJECT IDENTIFIER without content')
  // The parameters may be any single element.
  if (oid.end !== end && readElement(bytes, oid.end, end).end !== end) throw invalid('extra data follows the parameters of an algorithm')
}

/** The first byte is the number of unused bits. */
function checkBits (bytes: Uint8Array, { content, end }: DerElement): void {
  const unused = bytes[content] ?? 8
  if (content === end || unused > 7) throw invalid('an invalid BIT STRING')
}

/** @throws FST_ENDPOINT_DER_INVALID unless it is a well-formed Name, values included */
export function checkName (bytes: Uint8Array, name: DerElement): void {
  for (const relative of childrenOf(bytes, name)) {
    if (relative.tag !== SET) throw invalid(`tag ${relative.tag} where ${SET} belongs`)
    for (const attribute of childrenOf(bytes, relative)) {
      if (attribute.tag !== SEQUENCE) throw invalid(`tag ${attribute.tag} where ${SEQUENCE} belongs`)
      const type = expectTag(bytes, attribute.content, attribute.end, OBJECT_IDENTIFIER)
      if (type.content === type.end) throw invalid('an OBJECT IDENTIFIER without content')
      const value = readElement(bytes, type.end, attribute.end)
      if (value.end !== attribute.end) throw invalid('extra data follows an attribute of a name')
      // OpenSSL reads it, and considers it equal to the name with the string in one piece.
      if (isInPieces(value.tag)) throw invalid('a name with a string in segments')
    }
  }
}

function checkValidity (bytes: Uint8Array, validity: DerElement): void {
  const times = [...childrenOf(bytes, validity)]
  if (times.length !== 2 || times.some(({ tag }) => tag !== UTC_TIME && tag !== GENERALIZED_TIME)) {
    throw invalid('a validity without exactly two times')
  }
}

/** The fields that may follow the public key: two unique identifiers and the extensions, each once, in this order. */
function checkOptionalFields (bytes: Uint8Array, start: number, end: number): void {
  let last = 0
  for (const field of childrenOf(bytes, { content: start, end })) {
    const { tag } = field
    if ((tag !== ISSUER_UNIQUE_ID && tag !== SUBJECT_UNIQUE_ID && tag !== EXTENSIONS) || tag <= last) {
      throw invalid(`tag ${tag} where it does not belong`)
    }
    last = tag
    if (tag !== EXTENSIONS) {
      checkBits(bytes, field)
      continue
    }
    const list = expectTag(bytes, field.content, field.end, SEQUENCE)
    if (list.end !== field.end) throw invalid('extra data follows its extensions')
    // It throws for an invalid extension.
    for (const extension of extensionsOf(bytes, list)) void extension // eslint-disable-line no-void
  }
}
