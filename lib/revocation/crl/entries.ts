/**
 * The walk over the entries of a CRL (RFC 5280 section 5.1.2.6 and 5.3), from DER straight into a table.
 *
 * Our own, since asn1js stops at 10,000 nodes and takes 68 s and 3.9 GB for a million entries, where the
 * walk takes a fifth of a second with the table, and nothing is made for an entry. Two passes: the first
 * counts, so that the table is made once and in its right size.
 */
import { childrenOf, DerCursor, expect, extensionsOf, INTEGER, invalid, SEQUENCE, type DerElement } from '../der.js'
import { readDirectoryNames } from './distribution-point.js'
import { LONGEST_SERIAL, NO_REASON, type SerialTable, SerialTableBuilder, serialStart, wordsOf } from './serial-table.js'
import { secondsOf } from './time.js'

export interface CrlEntries {
  readonly table: SerialTable
  /** The name keys of the certificates' issuers: the CRL's own first. The index is what the table knows. */
  readonly issuers: readonly string[]
  /** What keeps the CRL from telling that a certificate is good; undefined if nothing does. */
  readonly defect: string | undefined
}

export interface EntriesReading {
  /** Key of the CRL's issuer. */
  issuer: string
  /** Whether entries may name another issuer (RFC 5280 section 5.3.3). */
  indirect: boolean
  /** The most entries that there may be. */
  limit: number
  /** Called when there are more. */
  tooMany: () => Error
}

const ENUMERATED = 0x0a
const REASON_CODE = 21
const INVALIDITY_DATE = 24
const CERTIFICATE_ISSUER = 29
/** Issuers that one indirect CRL may speak for. */
const MAX_ISSUERS = 100_000

/**
 * Reads the entries.
 *
 * @param list revokedCertificates; undefined where the CRL has none
 * @throws FST_ENDPOINT_DER_INVALID, and what `tooMany` gives
 */
export function readEntries (bytes: Uint8Array, list: DerElement | undefined, reading: EntriesReading): CrlEntries {
  const { count, serialWords } = measure(bytes, list, reading)
  const builder = new SerialTableBuilder(count, serialWords, reading.indirect)
  const issuers = [reading.issuer]
  const indexes = new Map([[reading.issuer, 0]])
  let issuer = 0
  let defect: string | undefined
  const entry = new DerCursor()
  const serial = new DerCursor()
  const time = new DerCursor()
  for (let place = list?.content ?? 0, end = list?.end ?? 0; place < end; place = entry.end) {
    entry.read(bytes, place, end)
    serial.read(bytes, entry.content, entry.end)
    time.read(bytes, serial.end, entry.end)
    let reason = NO_REASON
    if (isReasonAlone(bytes, time.end, entry.end)) {
      reason = bytes[entry.end - 1] as number
    } else if (time.end < entry.end) {
      const extensions = expect(bytes, time.end, entry.end, SEQUENCE)
      if (extensions.end !== entry.end) throw invalid('something follows the extensions of an entry')
      for (const { id, critical, value } of extensionsOf(bytes, extensions)) {
        if (id === REASON_CODE) {
          reason = readReason(bytes, value)
        } else if (id === CERTIFICATE_ISSUER && reading.indirect) {
          issuer = indexOf(readIssuer(bytes, value), issuers, indexes)
        } else if (critical && id !== INVALIDITY_DATE) {
          defect = 'an entry has a critical extension that is not known (RFC 5280 section 5.3)'
        }
      }
    }
    builder.add(bytes, serialStart(bytes, serial.content, serial.end), serial.end, secondsOf(bytes, time), reason, issuer)
  }
  return { table: builder.build(), issuers, defect }
}

/** How many entries there are, and how many words their numbers are in all. */
function measure (bytes: Uint8Array, list: DerElement | undefined, { limit, tooMany }: EntriesReading): { count: number, serialWords: number } {
  let count = 0
  let serialWords = 0
  const entry = new DerCursor()
  const serial = new DerCursor()
  for (let place = list?.content ?? 0, end = list?.end ?? 0; place < end; place = entry.end) {
    entry.expect(bytes, place, end, SEQUENCE)
    serial.expect(bytes, entry.content, entry.end, INTEGER)
    const length = serial.end - serialStart(bytes, serial.content, serial.end)
    if (length < 1 || length > LONGEST_SERIAL) throw invalid('an entry whose serial number is empty or too long')
    count++
    if (count > limit) throw tooMany()
    serialWords += wordsOf(length)
  }
  return { count, serialWords }
}

/** Extensions that hold a reason code and nothing else, as most entries have them; the reason is the last byte. */
const REASON_ALONE = Buffer.from('300c300a0603551d1504030a01', 'hex')

function isReasonAlone (bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== REASON_ALONE.length + 1) return false
  for (let at = 0; at < REASON_ALONE.length; at++) {
    if (bytes[start + at] !== REASON_ALONE[at]) return false
  }
  return true
}

function readReason (bytes: Uint8Array, value: DerElement): number {
  const reason = expect(bytes, value.content, value.end, ENUMERATED)
  return reason.end - reason.content === 1 ? bytes[reason.content] as number : NO_REASON
}

/** GeneralNames with the one Name of a certificate issuer. */
function readIssuer (bytes: Uint8Array, value: DerElement): string {
  const [names] = childrenOf(bytes, value)
  const [name] = names === undefined ? [] : readDirectoryNames(bytes, names)
  if (name === undefined) throw invalid('an entry whose certificateIssuer has no directory name')
  return name
}

function indexOf (issuer: string, issuers: string[], indexes: Map<string, number>): number {
  const known = indexes.get(issuer)
  if (known !== undefined) return known
  if (issuers.length === MAX_ISSUERS) throw invalid(`entries of more than ${MAX_ISSUERS} issuers`)
  indexes.set(issuer, issuers.length)
  return issuers.push(issuer) - 1
}
