/**
 * One CRL, read: its header, its extensions, its entries (RFC 5280 section 5.1 and 5.2).
 *
 * It is an error only if the issuer, the signature or the list of entries cannot be found. Anything else that is wrong or
 * unknown is a defect: the CRL still revokes what it lists, because its issuer has signed that, but it proves no certificate
 * good.
 */
import {
  BIT_STRING, childrenOf, type DerElement, expectTag, GENERALIZED_TIME, INTEGER, invalid, readElement, SEQUENCE, unlessInvalid, UTC_TIME
} from '../../x509/der.js'
import { checkName } from '../../x509/certificate-structure.js'
import { type CrlExtensions, readCrlExtensions } from '../../x509/extensions.js'
import { UNREADABLE_SCOPE } from '../../x509/distribution-point.js'
import { type EntriesOptions, readEntries } from './entries.js'
import { nameKey, nameText } from '../../x509/name.js'
import type { SerialTable } from './serial-table.js'
import { secondsOf, secondsOfAnyForm } from '../../x509/time.js'

/** The content of a CRL, in values that can be sent to another thread (the table as its arrays). */
export interface Crl extends CrlExtensions {
  /** Key of the issuer's name; see `nameKey`. */
  readonly issuer: string
  /** The issuer's name for messages; see `nameText`. */
  readonly issuerText: string
  /** Milliseconds since 1970; undefined if it cannot be read. */
  readonly thisUpdate: number | undefined
  /** Undefined where it has no nextUpdate, or none that can be read. */
  readonly nextUpdate: number | undefined
  /** Why it proves no certificate good; undefined if nothing is wrong. */
  readonly defect: string | undefined
  /** Whether some entries may be missing; it has a defect then. */
  readonly isPartial: boolean
  readonly entries: SerialTable
  /** See `CrlEntries`. */
  readonly issuers: readonly string[]
}

/** The signed frame of a CRL, as positions in its bytes. */
export interface CrlFrame {
  readonly tbs: DerElement
  /** AlgorithmIdentifier. */
  readonly algorithm: DerElement
  /** The signature, after the number of unused bits. */
  readonly signature: Pick<DerElement, 'content' | 'end'>
}

const CRL_EXTENSIONS = 0xa0
const CONSTRUCTED = 0x20
/** Levels of nesting in a signature algorithm. */
const DEEPEST = 8
/** Bytes of an AlgorithmIdentifier; that of RSASSA-PSS takes about 70. A library reads it: see `signatureCheckOf`. */
const LONGEST_ALGORITHM = 512

/**
 * Finds the signed frame of a CRL.
 *
 * @throws FST_ENDPOINT_DER_INVALID unless the bytes are exactly one CRL
 */
export function readFrame (bytes: Uint8Array): CrlFrame {
  const outer = expectTag(bytes, 0, bytes.length, SEQUENCE)
  if (outer.end !== bytes.length) throw invalid('extra data follows it')
  const tbs = expectTag(bytes, outer.content, outer.end, SEQUENCE)
  const algorithm = expectTag(bytes, tbs.end, outer.end, SEQUENCE)
  const bits = expectTag(bytes, algorithm.end, outer.end, BIT_STRING)
  if (bits.end !== outer.end) throw invalid('extra data follows its signature')
  if (bytes[bits.content] !== 0) throw invalid('a signature that does not end with a whole byte')
  return { tbs, algorithm, signature: { content: bits.content + 1, end: bits.end } }
}

/** A CRL without its entries, and their position. */
export type CrlHeader = Omit<Crl, 'entries' | 'issuers'> & { readonly list: DerElement | undefined }

/**
 * Reads the frame without the entries and without verifying the signature.
 *
 * @throws FST_ENDPOINT_DER_INVALID
 */
export function readHeader (bytes: Uint8Array, { tbs, algorithm }: CrlFrame): CrlHeader {
  const defects: string[] = []
  let next = readElement(bytes, tbs.content, tbs.end)
  const hasVersion = next.tag === INTEGER
  if (hasVersion) {
    if (next.end - next.content !== 1 || bytes[next.content] !== 1) defects.push('its version is not known (RFC 5280 section 5.1.2.1)')
    next = readElement(bytes, next.end, tbs.end)
  }
  // Checked before they are compared, because no signature has been verified yet.
  const isLong = [next, algorithm].some(({ start, end }) => end - start > LONGEST_ALGORITHM)
  if (isLong) throw invalid('its signature algorithm is too long')
  if (!isSame(bytes, next, algorithm, 0)) throw invalid('it names two signature algorithms (RFC 5280 section 5.1.1.2)')
  const name = expectTag(bytes, next.end, tbs.end, SEQUENCE)
  const issuer = nameKey(bytes, name)
  if (!isWellFormed(bytes, name)) defects.push('the name of its issuer is not encoded as RFC 5280 section 4.1.2.4 requires')
  const { times: [thisUpdate, nextUpdate], list, wrapped, isPartial } = readParts(bytes, { content: name.end, end: tbs.end })
  if (isPartial) defects.push('it has an unknown part, or one in the wrong place (RFC 5280 section 5.1)')
  if (wrapped !== undefined && !hasVersion) defects.push('it has extensions, but no version (RFC 5280 section 5.1.2.1)')
  const extensions = readCrlExtensions(bytes, wrapped, issuer)
  if (extensions.defect !== undefined) defects.push(extensions.defect)
  if (hasVersion && extensions.number === undefined) defects.push('it has no CRL number (RFC 5280 section 5.2.3)')
  const timeOf = (time: DerElement | undefined, what: string): number | undefined => {
    if (time === undefined) return undefined
    let seconds = secondsOf(bytes, time)
    if (Number.isNaN(seconds)) {
      defects.push(`its ${what} is not in a form that RFC 5280 section 5.1.2.4 allows`)
      seconds = secondsOfAnyForm(bytes, time)
    }
    return Number.isNaN(seconds) ? undefined : seconds * 1000
  }
  if (thisUpdate === undefined) defects.push('it does not say when it was issued (RFC 5280 section 5.1.2.4)')
  return {
    ...extensions,
    issuer,
    issuerText: nameText(bytes, name),
    thisUpdate: timeOf(thisUpdate, 'thisUpdate'),
    nextUpdate: timeOf(nextUpdate, 'nextUpdate'),
    list,
    defect: defects[0],
    isPartial: isPartial || extensions.isPartial
  }
}

interface CrlParts {
  times: DerElement[]
  list: DerElement | undefined
  wrapped: DerElement | undefined
  /** Whether there is another part, or one in the wrong place: it may hold further entries. */
  isPartial: boolean
}

/** The parts after the issuer: at most two times, the list of entries, the extensions. */
function readParts (bytes: Uint8Array, place: Pick<DerElement, 'content' | 'end'>): CrlParts {
  const parts: CrlParts = { times: [], list: undefined, wrapped: undefined, isPartial: false }
  for (const part of childrenOf(bytes, place)) {
    if (isTime(part) && parts.times.length < 2) {
      parts.isPartial ||= parts.list !== undefined || parts.wrapped !== undefined
      parts.times.push(part)
    } else if (part.tag === SEQUENCE && parts.list === undefined) {
      parts.isPartial ||= parts.wrapped !== undefined
      parts.list = part
    } else if (part.tag === CRL_EXTENSIONS && parts.wrapped === undefined) {
      parts.wrapped = part
    } else {
      parts.isPartial = true
    }
  }
  return parts
}

/**
 * Reads the entries of a CRL whose header was read.
 *
 * @throws what `tooMany` gives
 */
export function completeCrl (bytes: Uint8Array, { list, ...header }: CrlHeader, limits: Pick<EntriesOptions, 'limit' | 'tooMany'>): Crl {
  const { issuer, scope } = header
  const indirect = scope === UNREADABLE_SCOPE ? undefined : scope.indirect
  const { table, issuers, defect, isPartial } = readEntries(bytes, list, { issuer, indirect, ...limits })
  return { ...header, defect: header.defect ?? defect, isPartial: header.isPartial || isPartial, entries: table, issuers }
}

function isWellFormed (bytes: Uint8Array, name: DerElement): boolean {
  return unlessInvalid(() => {
    checkName(bytes, name)
    return true
  }) === true
}

function isTime ({ tag }: DerElement): boolean {
  return tag === UTC_TIME || tag === GENERALIZED_TIME
}

/** Whether two elements are equal, however their lengths are encoded; false beyond the depth limit. */
function isSame (bytes: Uint8Array, a: DerElement, b: DerElement, depth: number): boolean {
  if (Buffer.compare(bytes.subarray(a.start, a.end), bytes.subarray(b.start, b.end)) === 0) return true
  if (a.tag !== b.tag) return false
  if ((a.tag & CONSTRUCTED) === 0) return Buffer.compare(bytes.subarray(a.content, a.end), bytes.subarray(b.content, b.end)) === 0
  const [parts, others] = [[...childrenOf(bytes, a)], [...childrenOf(bytes, b)]]
  if (depth >= DEEPEST || parts.length !== others.length) return false
  return parts.every((part, index) => isSame(bytes, part, others[index] as DerElement, depth + 1))
}
