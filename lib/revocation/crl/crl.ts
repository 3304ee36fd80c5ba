/**
 * One CRL, read: its header, its extensions, its entries (RFC 5280 section 5.1 and 5.2).
 *
 * What is wrong with the encoding is an error. What only breaks a rule, or is not known here, is a
 * defect: such a CRL still revokes what it lists, since its issuer has said so, but it can tell of no
 * certificate that it is good.
 */
import {
  BIT_STRING, childrenOf, expect, type Extension, extensionsOf, GENERALIZED_TIME, INTEGER, invalid, OCTET_STRING, readElement, SEQUENCE, UTC_TIME,
  type DerElement
} from '../der.js'
import { type CrlScope, type DistributionPoint, readDistributionPoints, readScope, WHOLE_SCOPE } from './distribution-point.js'
import { type EntriesReading, readEntries } from './entries.js'
import { nameKey, nameText } from './name.js'
import type { SerialTable } from './serial-table.js'
import { secondsOf } from './time.js'

/** What a CRL says, in values that can be handed to another thread (the table by its arrays). */
export interface Crl {
  /** Key of the issuer's name; see `nameKey`. */
  readonly issuer: string
  /** The issuer's name for messages; see `nameText`. */
  readonly issuerText: string
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly number: bigint | undefined
  /** The number of the complete CRL that a delta CRL builds on; undefined for a complete CRL. */
  readonly baseNumber: bigint | undefined
  /** keyIdentifier of the authorityKeyIdentifier, in hexadecimal. */
  readonly keyId: string | undefined
  readonly scope: CrlScope
  /** The same for two CRLs exactly if their scopes are written in the same way. */
  readonly scopeKey: string
  /** Where delta CRLs to it are to be had, as its freshestCRL says (RFC 5280 section 5.2.6). */
  readonly freshest: readonly DistributionPoint[]
  /** Why it tells of no certificate that it is good; undefined if it does. */
  readonly defect: string | undefined
  readonly entries: SerialTable
  /** Keys of the names of the certificates' issuers, by the index that the table knows. */
  readonly issuers: readonly string[]
}

/** The signed frame of a CRL, as places in its bytes. */
export interface CrlFrame {
  readonly tbs: DerElement
  /** AlgorithmIdentifier. */
  readonly algorithm: DerElement
  /** Where the signature begins, behind the number of unused bits. */
  readonly signature: Pick<DerElement, 'content' | 'end'>
}

const CRL_EXTENSIONS = 0xa0
const CRL_NUMBER = 20
const DELTA_CRL_INDICATOR = 27
const ISSUING_DISTRIBUTION_POINT = 28
const AUTHORITY_KEY_IDENTIFIER = 35
export const FRESHEST_CRL = 46
const KEY_IDENTIFIER = 0x80
/** RFC 5280 section 5.2.3. */
const LONGEST_NUMBER = 20

/**
 * Finds the signed frame of the one CRL that the bytes hold.
 *
 * @throws FST_ENDPOINT_DER_INVALID if they hold anything else, or more
 */
export function readFrame (bytes: Uint8Array): CrlFrame {
  const outer = expect(bytes, 0, bytes.length, SEQUENCE)
  if (outer.end !== bytes.length) throw invalid('something follows it')
  const tbs = expect(bytes, outer.content, outer.end, SEQUENCE)
  const algorithm = expect(bytes, tbs.end, outer.end, SEQUENCE)
  const bits = expect(bytes, algorithm.end, outer.end, BIT_STRING)
  if (bits.end !== outer.end) throw invalid('something follows its signature')
  if (bytes[bits.content] !== 0) throw invalid('a signature that does not end with a whole byte')
  return { tbs, algorithm, signature: { content: bits.content + 1, end: bits.end } }
}

/** A CRL without its entries, and where they stand. */
export type CrlHeader = Omit<Crl, 'entries' | 'issuers'> & { readonly list: DerElement | undefined }

/**
 * Reads what the frame holds, but for the entries. The signature is not looked at.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readHeader (bytes: Uint8Array, { tbs, algorithm }: CrlFrame): CrlHeader {
  let next = readElement(bytes, tbs.content, tbs.end)
  const isVersion2 = next.tag === INTEGER
  if (isVersion2) {
    if (next.end - next.content !== 1 || bytes[next.content] !== 1) throw invalid('a version of CRL that is not known')
    next = readElement(bytes, next.end, tbs.end)
  }
  if (!isSame(bytes, next, algorithm)) throw invalid('it names two signature algorithms (RFC 5280 section 5.1.1.2)')
  const name = expect(bytes, next.end, tbs.end, SEQUENCE)
  const issuer = nameKey(bytes, name)
  const thisUpdate = readElement(bytes, name.end, tbs.end)
  const rest = [...childrenOf(bytes, { content: thisUpdate.end, end: tbs.end })]
  const nextUpdate = isTime(rest[0]) ? rest.shift() : undefined
  const list = rest[0]?.tag === SEQUENCE ? rest.shift() : undefined
  const wrapped = rest[0]?.tag === CRL_EXTENSIONS ? rest.shift() : undefined
  if (rest.length > 0) throw invalid('an unknown part')
  if (wrapped !== undefined && !isVersion2) throw invalid('extensions in a CRL of version 1')
  return {
    ...readExtensions(bytes, wrapped, issuer, isVersion2),
    issuer,
    issuerText: nameText(bytes, name),
    thisUpdate: secondsOf(bytes, thisUpdate) * 1000,
    nextUpdate: nextUpdate === undefined ? undefined : secondsOf(bytes, nextUpdate) * 1000,
    list
  }
}

/**
 * Reads the entries of a CRL whose header was read.
 *
 * @throws FST_ENDPOINT_DER_INVALID, and what `tooMany` gives
 */
export function completeCrl (bytes: Uint8Array, { list, ...header }: CrlHeader, limits: Pick<EntriesReading, 'limit' | 'tooMany'>): Crl {
  const { table, issuers, defect } = readEntries(bytes, list, { issuer: header.issuer, indirect: header.scope.indirect, ...limits })
  return { ...header, defect: header.defect ?? defect, entries: table, issuers }
}

type Header = Pick<Crl, 'number' | 'baseNumber' | 'keyId' | 'scope' | 'scopeKey' | 'freshest' | 'defect'>

function readExtensions (bytes: Uint8Array, wrapped: DerElement | undefined, issuer: string, isVersion2: boolean): Header {
  const header: { -readonly [K in keyof Header]: Header[K] } = {
    number: undefined, baseNumber: undefined, keyId: undefined, scope: WHOLE_SCOPE, scopeKey: '', freshest: [], defect: undefined
  }
  const seen = new Set<number>()
  for (const extension of wrapped === undefined ? [] : extensionsOf(bytes, expect(bytes, wrapped.content, wrapped.end, SEQUENCE))) {
    const { id, critical, value } = extension
    if (id !== undefined && seen.has(id)) throw invalid('an extension that is there twice')
    if (id !== undefined) seen.add(id)
    switch (id) {
      case CRL_NUMBER:
        header.number = readNumber(bytes, value)
        if (critical) header.defect = 'its CRL number is marked as critical (RFC 5280 section 5.2.3)'
        break
      case DELTA_CRL_INDICATOR:
        header.baseNumber = readNumber(bytes, value)
        break
      case ISSUING_DISTRIBUTION_POINT:
        header.scope = readScope(bytes, value, issuer)
        header.scopeKey = Buffer.from(bytes.buffer, bytes.byteOffset + value.content, value.end - value.content).toString('base64')
        break
      case AUTHORITY_KEY_IDENTIFIER:
        header.keyId = readKeyId(bytes, extension)
        break
      case FRESHEST_CRL:
        if (critical) header.defect = 'its freshestCRL is marked as critical (RFC 5280 section 5.2.6)'
        header.freshest = readDistributionPoints(bytes, value, issuer)
        break
      default:
        if (critical) header.defect = 'it has a critical extension that is not known (RFC 5280 section 5.2)'
    }
  }
  if (isVersion2 && header.number === undefined) header.defect ??= 'it has no CRL number (RFC 5280 section 5.2.3)'
  const { onlyUserCertificates, onlyAuthorityCertificates, onlyAttributeCertificates } = header.scope
  if (Number(onlyUserCertificates) + Number(onlyAuthorityCertificates) + Number(onlyAttributeCertificates) > 1) {
    header.defect ??= 'its scope excludes all certificates (RFC 5280 section 5.2.5)'
  }
  return header
}

function readNumber (bytes: Uint8Array, value: DerElement): bigint {
  const number = expect(bytes, value.content, value.end, INTEGER)
  const length = number.end - number.content
  if (length < 1 || length > LONGEST_NUMBER + 1 || (bytes[number.content] as number) >= 0x80) throw invalid('a CRL number that is negative or too long')
  return BigInt(`0x${hexOf(bytes, number)}`)
}

/** The key that RFC 5280 section 4.2.1.1 identifies by its hash; the other way, by issuer and serial number, is not used for CRLs. */
export function readKeyId (bytes: Uint8Array, { value }: Extension): string | undefined {
  for (const field of childrenOf(bytes, expect(bytes, value.content, value.end, SEQUENCE))) {
    if (field.tag === KEY_IDENTIFIER) return hexOf(bytes, field)
  }
  return undefined
}

/** The subjectKeyIdentifier of a certificate (RFC 5280 section 4.2.1.2), as `readKeyId` gives it. */
export function readSubjectKeyId (bytes: Uint8Array, { value }: Extension): string {
  return hexOf(bytes, expect(bytes, value.content, value.end, OCTET_STRING))
}

function hexOf (bytes: Uint8Array, { content, end }: DerElement): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + content, end - content).toString('hex')
}

function isTime (element: DerElement | undefined): boolean {
  return element !== undefined && (element.tag === UTC_TIME || element.tag === GENERALIZED_TIME)
}

function isSame (bytes: Uint8Array, a: DerElement, b: DerElement): boolean {
  return Buffer.compare(bytes.subarray(a.start, a.end), bytes.subarray(b.start, b.end)) === 0
}
