/**
 * The walk over the entries of a CRL (RFC 5280 section 5.1.2.6 and 5.3), from DER straight into a table.
 *
 * asn1js stops at 10,000 nodes; without that limit it takes 68 s and 3.9 GB for a million entries. This walk and the table
 * take 0.2 s, and an entry allocates nothing. The first of two passes counts, so that the table gets its final size at once.
 *
 * An entry revokes if its serial number can be read, whatever else is wrong with it: dropping it would let a client
 * in. Anything else that is wrong is a defect.
 */
import {
  attemptExtension, childrenOf, DerCursor, type DerElement, expectTag, INTEGER, invalid, SEQUENCE, unlessInvalid
} from '../../x509/der.js'
import { checkName } from '../../x509/certificate-structure.js'
import { DIRECTORY_NAME, readDirectoryNames } from '../../x509/distribution-point.js'
import { EARLIEST_TIME, NO_REASON, type SerialTable, SerialTableBuilder, UNKNOWN_TIME, wordsOf } from './serial-table.js'
import { secondsOf, secondsOfAnyForm } from '../../x509/time.js'
import { serialStart } from '../../x509/subject.js'

export interface CrlEntries {
  readonly table: SerialTable
  /**
   * Name keys of the issuers of the certificates, by their index in the table; the CRL's own issuer first. `ANYBODY`
   * means an issuer that cannot be read.
   */
  readonly issuers: readonly string[]
  /** Why the CRL proves no certificate good; undefined if nothing is wrong. */
  readonly defect: string | undefined
  /** Whether some entries, or their issuers, could not be read. */
  readonly isPartial: boolean
}

export interface EntriesOptions {
  /** Key of the CRL's issuer. */
  issuer: string
  /** Whether entries may name another issuer (RFC 5280 section 5.3.3); undefined where that cannot be read. */
  indirect: boolean | undefined
  /** The maximum number of entries. */
  limit: number
  /** Makes the error for more. */
  tooMany: () => Error
}

/** Means an issuer that cannot be read; no name has this key. */
export const ANYBODY = '*'
const BY_ANYBODY = [ANYBODY]

const ENUMERATED = 0x0a
const REASON_CODE = 21
const INVALIDITY_DATE = 24
const CERTIFICATE_ISSUER = 29
/** Issuers that one indirect CRL may have entries for. */
const MAX_ISSUERS = 100_000
/** Extensions of one entry. RFC 5280 defines four. */
const MAX_EXTENSIONS = 16
/**
 * Limit of extra records for entries with several issuers. An entry without an issuer inherits those of the entry before, so
 * a few bytes could take 64 records each.
 */
const MAX_FURTHER = 1_000_000
/** Limit of attempts to read broken issuers: each creates an error, which takes longer than the rest of an entry. */
const MAX_UNREADABLE = 1000

/**
 * Reads the entries.
 *
 * @param list revokedCertificates; undefined where the CRL has none
 * @throws what `tooMany` gives
 */
export function readEntries (bytes: Uint8Array, list: DerElement | undefined, options: EntriesOptions): CrlEntries {
  const measured = measure(bytes, list, options)
  const read = walk(bytes, list, options, measured, NONE_FURTHER)
  // The number of extra records is known only now. Few CRLs have any.
  return read.further.count === 0 ? read : walk(bytes, list, options, measured, read.further)
}

/** Records beyond one for each entry. */
interface Further {
  count: number
  serialWords: number
}

const NONE_FURTHER: Further = { count: 0, serialWords: 0 }

/** @param room for extra records; without it only the first issuer of an entry gets a record */
function walk (
  bytes: Uint8Array,
  list: DerElement | undefined,
  options: EntriesOptions,
  measured: Measure,
  room: Further
): CrlEntries & { further: Further } {
  const builder = new SerialTableBuilder(measured.count + room.count, measured.serialWords + room.serialWords, options.indirect !== false)
  const issuers = new EntryIssuers(options.issuer)
  const further = { ...NONE_FURTHER }
  let { defect, isPartial } = measured
  let named = issuers.own
  let unreadable = 0
  const entry = new DerCursor()
  const serial = new DerCursor()
  const time = new DerCursor()
  for (let place = list?.content ?? 0, { end } = measured; place < end; place = entry.end) {
    entry.read(bytes, place, end)
    if (!hasSerial(bytes, entry, serial)) continue
    const isDated = time.attempt(bytes, serial.end, entry.end) === undefined && time.tag !== SEQUENCE
    const rest = isDated ? time.end : serial.end
    let seconds = isDated ? secondsOf(bytes, time) : NaN
    let reason = NO_REASON
    if (isReasonAlone(bytes, rest, entry.end)) {
      reason = bytes[entry.end - 1] as number
    } else if (rest < entry.end) {
      const extensions = readExtensions(bytes, rest, entry.end, unreadable > MAX_UNREADABLE ? undefined : options.indirect)
      reason = extensions.reason
      if (extensions.issuers !== undefined) named = issuers.indexesOf(extensions.issuers)
      if (extensions.issuers === BY_ANYBODY) {
        isPartial = true
        unreadable++
      }
      defect ??= extensions.defect
    }
    if (Number.isNaN(seconds)) {
      seconds = isDated ? secondsOfOddEntry(bytes, time) : UNKNOWN_TIME
      defect ??= 'an entry has a date that RFC 5280 section 5.1.2.6 does not allow'
    }
    if (named.length > 1 && further.count + named.length > MAX_FURTHER) {
      named = issuers.indexesOf(BY_ANYBODY)
      isPartial = true
      defect ??= `its entries name more than ${MAX_FURTHER} issuers in total`
    }
    const start = serialStart(bytes, serial.content, serial.end)
    builder.add(bytes, start, serial.end, seconds, reason, named[0] as number)
    for (let other = 1; other < named.length; other++) {
      further.count++
      further.serialWords += wordsOf(serial.end - start)
      if (room.count > 0) builder.add(bytes, start, serial.end, seconds, reason, named[other] as number)
    }
  }
  if (issuers.isFull) defect ??= `its entries are for certificates of more than ${MAX_ISSUERS} issuers`
  return { table: builder.build(), issuers: issuers.all, defect, isPartial: isPartial || issuers.isFull, further }
}

interface Measure extends Pick<CrlEntries, 'defect' | 'isPartial'> {
  /** Number of entries whose serial number can be read. */
  readonly count: number
  /** Words of all their serial numbers. */
  readonly serialWords: number
  /** Position after the last entry whose end is known. */
  readonly end: number
}

function measure (bytes: Uint8Array, list: DerElement | undefined, { limit, tooMany }: EntriesOptions): Measure {
  let count = 0
  let serialWords = 0
  let isPartial = false
  const entry = new DerCursor()
  const serial = new DerCursor()
  const { content: start, end } = list ?? NO_LIST
  let place = start
  for (; place < end; place = entry.end) {
    if (entry.attempt(bytes, place, end) !== undefined) break
    if (!hasSerial(bytes, entry, serial)) {
      isPartial = true
      continue
    }
    count++
    if (count > limit) throw tooMany()
    serialWords += wordsOf(serial.end - serialStart(bytes, serial.content, serial.end))
  }
  if (place < end) isPartial = true
  let defect = isPartial ? 'not all of its entries can be read' : undefined
  if (list !== undefined && start === end) defect = 'its list of entries is empty (RFC 5280 section 5.1.2.6)'
  return { count, serialWords, end: place, defect, isPartial }
}

const NO_LIST = { content: 0, end: 0 }

/** Whether an entry begins with a serial number: any INTEGER that is not empty. */
function hasSerial (bytes: Uint8Array, entry: DerElement, serial: DerCursor): boolean {
  if (entry.tag !== SEQUENCE || serial.attempt(bytes, entry.content, entry.end) !== undefined) return false
  return serial.tag === INTEGER && serial.end > serial.content
}

function secondsOfOddEntry (bytes: Uint8Array, time: DerElement): number {
  const seconds = secondsOfAnyForm(bytes, time)
  return Number.isNaN(seconds) ? UNKNOWN_TIME : Math.max(seconds, EARLIEST_TIME)
}

/** The usual extensions: a reason code alone, whose value is the last byte. */
const REASON_ALONE = Buffer.from('300c300a0603551d1504030a01', 'hex')

function isReasonAlone (bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== REASON_ALONE.length + 1) return false
  for (let at = 0; at < REASON_ALONE.length; at++) {
    if (bytes[start + at] !== REASON_ALONE[at]) return false
  }
  return true
}

/** The values of the extensions of an entry. */
interface EntryExtensions {
  reason: number
  /** Undefined where it names none: then those of the entry before apply. */
  issuers: readonly string[] | undefined
  defect: string | undefined
}

const UNREADABLE = 'an entry has an extension that cannot be read'

/** @param end the end of the entry, where the extensions should end too */
function readExtensions (bytes: Uint8Array, start: number, end: number, indirect: boolean | undefined): EntryExtensions {
  const found: EntryExtensions = { reason: NO_REASON, issuers: undefined, defect: undefined }
  const list = new DerCursor()
  if (list.attempt(bytes, start, end) !== undefined || list.tag !== SEQUENCE) {
    noteUnreadable(indirect, found)
    return found
  }
  if (list.content === list.end) found.defect = 'the list of extensions of an entry is empty (RFC 5280 section 5.1)'
  const seen = new Set<number>()
  const element = new DerCursor()
  let count = 0
  for (let place = list.content; place < list.end; place = element.end) {
    if (++count > MAX_EXTENSIONS) {
      // The rest may contradict what was read.
      found.reason = NO_REASON
      found.issuers = undefined
      noteUnreadable(indirect, found)
      return found
    }
    if (element.attempt(bytes, place, list.end) !== undefined) {
      noteUnreadable(indirect, found)
      return found
    }
    readExtension(bytes, element, indirect, found, seen)
  }
  if (list.end !== end) found.defect = 'extra data follows the extensions of an entry'
  return found
}

function readExtension (
  bytes: Uint8Array,
  element: DerElement,
  indirect: boolean | undefined,
  found: EntryExtensions,
  seen: Set<number>
): void {
  const extension = attemptExtension(bytes, element)
  if (typeof extension === 'string') {
    noteUnreadable(indirect, found)
    return
  }
  const { id, critical, value } = extension
  const isRepeated = id !== undefined && seen.has(id)
  if (isRepeated) found.defect ??= 'an entry has an extension twice'
  if (id !== undefined) seen.add(id)
  if (id === REASON_CODE) {
    const reason = isRepeated ? undefined : readReason(bytes, value)
    if (reason === undefined) found.defect ??= 'an entry has a reason that cannot be read (RFC 5280 section 5.3.1)'
    // An unreadable reason does not release anybody.
    found.reason = reason ?? NO_REASON
  } else if (id === CERTIFICATE_ISSUER && indirect !== false) {
    const issuers = indirect === undefined || isRepeated ? undefined : unlessInvalid(() => readIssuers(bytes, value))
    if (issuers === undefined) found.defect ??= 'an entry has a certificateIssuer that cannot be read (RFC 5280 section 5.3.3)'
    found.issuers = issuers ?? BY_ANYBODY
  } else if (id === CERTIFICATE_ISSUER || (critical && id !== INVALIDITY_DATE)) {
    found.defect ??= 'an entry has an unknown critical extension (RFC 5280 section 5.3)'
  }
}

/** The unreadable part may have named an issuer, so the entry counts for every issuer. */
function noteUnreadable (indirect: boolean | undefined, found: EntryExtensions): void {
  found.defect ??= UNREADABLE
  if (indirect !== false) found.issuers ??= BY_ANYBODY
}

/** Undefined where it cannot be read. */
function readReason (bytes: Uint8Array, value: DerElement): number | undefined {
  const reason = new DerCursor()
  if (reason.attempt(bytes, value.content, value.end) !== undefined || reason.tag !== ENUMERATED) return undefined
  return reason.end === value.end && reason.end - reason.content === 1 ? bytes[reason.content] : undefined
}

/** GeneralNames with the Name of a certificate issuer; where there are several, each counts. */
function readIssuers (bytes: Uint8Array, value: DerElement): string[] {
  const list = expectTag(bytes, value.content, value.end, SEQUENCE)
  const names = readDirectoryNames(bytes, list)
  for (const { tag, content, end } of childrenOf(bytes, list)) {
    if (tag === DIRECTORY_NAME) checkName(bytes, expectTag(bytes, content, end, SEQUENCE))
  }
  if (names.length === 0) throw invalid('a certificateIssuer without a directory name')
  return names
}

/** The issuers of entries and their indexes. */
class EntryIssuers {
  readonly all: string[] = []
  /** The index of the CRL's issuer. */
  readonly own: readonly number[]
  readonly #indexes = new Map<string, readonly number[]>()

  constructor (issuer: string) {
    this.own = this.#indexOf(issuer)
  }

  /** Whether further issuers share one index. */
  get isFull (): boolean {
    return this.all.length > MAX_ISSUERS
  }

  /** One index for each issuer, not for each combination: the number of lookups must not depend on the CRL. */
  indexesOf (issuers: readonly string[]): readonly number[] {
    const [first] = issuers
    return issuers.length === 1 ? this.#indexOf(first as string) : [...new Set(issuers.flatMap((issuer) => this.#indexOf(issuer)))]
  }

  #indexOf (issuer: string): readonly number[] {
    const known = this.#indexes.get(issuer)
    if (known !== undefined) return known
    if (this.isFull && issuer !== ANYBODY) return this.#indexOf(ANYBODY)
    const index = [this.all.push(issuer) - 1]
    this.#indexes.set(issuer, index)
    return index
  }
}

/**
 * The indexes in the table for each issuer: its own, and that of `ANYBODY`.
 *
 * @param issuers as `readEntries` gives them
 */
export function indexesOf (issuers: readonly string[]): Map<string, readonly number[]> {
  const anybody = issuers.indexOf(ANYBODY)
  return new Map(issuers.map((name, index) => [name, anybody === -1 || anybody === index ? [index] : [index, anybody]]))
}
