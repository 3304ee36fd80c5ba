/**
 * The serial numbers of one CRL, each with its reason and date, in a few flat arrays.
 *
 * A Map of a million strings takes 69 bytes an entry and 184 ns a miss, and cannot be handed from one
 * thread to another without copying it. This is one table of open addressing: a byte of the hash for
 * each place, which nearly every miss ends at, the places of the records, and the records one after
 * the other. It is exact: what is found has been compared in full.
 *
 * Serial numbers are seen, and some are chosen, by others. So the hash is keyed (HalfSipHash-1-3, with a
 * key for each table): nobody can prepare numbers that all fall on one place.
 */
import { randomFillSync } from 'node:crypto'
import { halfSipHash } from './half-sip-hash.js'

/** The arrays of a table, for handing it to another thread: their buffers can be transferred. */
export interface SerialTableArrays {
  readonly size: number
  /** Whether the entries are told apart by their certificates' issuer too, as in an indirect CRL. */
  readonly byIssuer: boolean
  readonly key: Uint32Array
  /** 0 where a place is free, else eight bits of the hash. */
  readonly tags: Uint8Array
  /** Where the record of a place begins. */
  readonly slots: Uint32Array
  /** For each entry: length of the serial number, the number, the date (5 bytes), the reason, and the issuer's index (4 bytes) if `byIssuer`. */
  readonly records: Uint8Array
}

export interface SerialEntry {
  /** CRLReason (RFC 5280 section 5.3.1); `NO_REASON` if the entry gives none. */
  readonly reason: number
  /** Milliseconds since 1970. */
  readonly revokedAt: number
}

export const NO_REASON = 0xff
export const REMOVE_FROM_CRL = 8

/** The content of an INTEGER of more bytes is no serial number (RFC 5280 section 4.1.2.2 allows 20). */
export const LONGEST_SERIAL = 255

const TIME_BYTES = 5
/** Seconds are kept from here, so that GeneralizedTime's year 0 fits into 5 bytes without a sign. */
const EPOCH = 62_167_219_200
const ISSUER_BYTES = 4
const FEWEST_PLACES = 16
/** Of four places at least one is free. */
const FULLEST = 0.75
/** Bytes from which an array gets pages of its own. */
const PAGES_FROM = 256 * 1024

/**
 * Takes entries, and makes a table of them.
 *
 * In two steps, for a reason that only shows in a million entries. The place of an entry is in no cache. By
 * itself the step from place to place is so short that a processor has many of them under way and fetches their
 * places together; with the hash and the record in between it waits for each, and the whole takes three
 * times as long.
 */
export class SerialTableBuilder {
  readonly #byIssuer: boolean
  readonly #key = randomFillSync(new Uint32Array(2))
  readonly #hashes: Int32Array
  readonly #records: Uint8Array
  #count = 0
  #next = 0

  /**
   * @param count how many entries there will be
   * @param serialBytes of how many bytes all their serial numbers are together
   */
  constructor (count: number, serialBytes: number, byIssuer: boolean) {
    this.#byIssuer = byIssuer
    this.#hashes = new Int32Array(memoryOf(count * 4), 0, count)
    const length = serialBytes + count * (1 + TIME_BYTES + 1 + (byIssuer ? ISSUER_BYTES : 0))
    this.#records = new Uint8Array(memoryOf(length), 0, length)
  }

  /**
   * Adds an entry.
   *
   * @param start where the serial number begins, see `serialStart`
   * @param seconds since 1970
   * @param issuer index of the certificate's issuer, 0 where there is one only
   */
  add (bytes: Uint8Array, start: number, end: number, seconds: number, reason: number, issuer: number): void {
    const records = this.#records
    let next = this.#next
    records[next++] = end - start
    for (let at = start; at < end; at++) records[next++] = bytes[at] as number
    // Not by a remainder, which V8 has calculated in C where numbers are of more than 32 bits.
    const high = Math.floor((seconds + EPOCH) / 0x1_0000_0000)
    const low = seconds + EPOCH - high * 0x1_0000_0000
    records[next++] = high
    records[next++] = low >>> 24
    records[next++] = low >>> 16
    records[next++] = low >>> 8
    records[next++] = low
    records[next++] = reason
    if (this.#byIssuer) {
      for (let shift = 24; shift >= 0; shift -= 8) records[next++] = issuer >>> shift
    }
    this.#next = next
    this.#hashes[this.#count++] = halfSipHash(this.#key, bytes, start, end, issuer)
  }

  /**
   * The table of what was added. Of a number that is there twice the first entry counts, unless it was to
   * be removed: being revoked counts more.
   */
  build (): SerialTable {
    let places = FEWEST_PLACES
    while (this.#count > places * FULLEST) places *= 2
    const mask = places - 1
    const tags = new Uint8Array(memoryOf(places), 0, places)
    const slots = new Uint32Array(memoryOf(places * 4), 0, places)
    const records = this.#records
    const hashes = this.#hashes
    const behindSerial = TIME_BYTES + 1 + (this.#byIssuer ? ISSUER_BYTES : 0)
    let size = 0
    for (let index = 0, record = 0; index < this.#count; index++) {
      const hash = hashes[index] as number
      const tag = tagOf(hash)
      let place = hash & mask
      while (tags[place] !== 0 && !(tags[place] === tag && this.#isSame(slots[place] as number, record))) place = (place + 1) & mask
      if (tags[place] === 0) {
        size++
        tags[place] = tag
        slots[place] = record
      } else if (this.#isRemoved(slots[place] as number)) {
        slots[place] = record
      }
      record += 1 + (records[record] as number) + behindSerial
    }
    return SerialTable.from({ size, byIssuer: this.#byIssuer, key: this.#key, tags, slots, records })
  }

  #isSame (a: number, b: number): boolean {
    const records = { byIssuer: this.#byIssuer, records: this.#records }
    const end = b + 1 + (this.#records[b] as number)
    return isAt(records, a, this.#records, b + 1, end, issuerAt(records, end))
  }

  #isRemoved (record: number): boolean {
    return this.#records[record + 1 + (this.#records[record] as number) + TIME_BYTES] === REMOVE_FROM_CRL
  }
}

/**
 * Memory that is given back to the system when its table is gone.
 *
 * What malloc has given may stay with the process: a table that was made in another thread while the one before it
 * was in use lies behind that one, and a hole is left, so that the process keeps twice the size of its tables. A
 * buffer that could be resized is not taken from malloc but mapped; the price is about 10 ns a lookup.
 */
function memoryOf (bytes: number): ArrayBuffer {
  if (bytes < PAGES_FROM) return new ArrayBuffer(bytes)
  // The types are those of ES2023.
  const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
  return new Resizable(bytes, { maxByteLength: bytes })
}

export class SerialTable {
  readonly arrays: SerialTableArrays
  readonly #mask: number

  private constructor (arrays: SerialTableArrays) {
    this.arrays = arrays
    this.#mask = arrays.tags.length - 1
  }

  /** The table that a builder, here or in another thread, has filled. */
  static from (arrays: SerialTableArrays): SerialTable {
    return new SerialTable(arrays)
  }

  get size (): number {
    return this.arrays.size
  }

  /** The entry of a serial number, by the same arguments as it was added with. */
  find (bytes: Uint8Array, start: number, end: number, issuer: number): SerialEntry | undefined {
    const { key, tags, slots, records } = this.arrays
    const hash = halfSipHash(key, bytes, start, end, issuer)
    const tag = tagOf(hash)
    for (let place = hash & this.#mask; tags[place] !== 0; place = (place + 1) & this.#mask) {
      if (tags[place] !== tag) continue
      const record = slots[place] as number
      if (!isAt(this.arrays, record, bytes, start, end, issuer)) continue
      const rest = record + 1 + (end - start)
      let seconds = 0
      for (let at = rest; at < rest + TIME_BYTES; at++) seconds = seconds * 256 + (records[at] as number)
      return { reason: records[rest + TIME_BYTES] as number, revokedAt: (seconds - EPOCH) * 1000 }
    }
    return undefined
  }
}

type Records = Pick<SerialTableArrays, 'byIssuer' | 'records'>

/** Whether a record is of a serial number and an issuer. */
function isAt (table: Records, record: number, bytes: Uint8Array, start: number, end: number, issuer: number): boolean {
  const { records } = table
  const length = end - start
  if (records[record] !== length) return false
  for (let at = 0; at < length; at++) {
    if (records[record + 1 + at] !== bytes[start + at]) return false
  }
  return issuerAt(table, record + 1 + length) === issuer
}

/** @param end where the serial number of a record ends */
function issuerAt ({ byIssuer, records }: Records, end: number): number {
  let issuer = 0
  const start = end + TIME_BYTES + 1
  if (byIssuer) for (let at = start; at < start + ISSUER_BYTES; at++) issuer = issuer * 256 + (records[at] as number)
  return issuer
}

/** The bits that say least of the place; 0 is for a free one. */
function tagOf (hash: number): number {
  return (hash >>> 24) || 1
}

/**
 * Where a serial number begins without the bytes that only repeat its sign: DER has none, but other
 * encodings of the same number are met.
 */
export function serialStart (bytes: Uint8Array, content: number, end: number): number {
  let start = content
  while (end - start > 1) {
    const first = bytes[start]
    const isNegative = (bytes[start + 1] as number) >= 0x80
    if (!(first === 0 && !isNegative) && !(first === 0xff && isNegative)) break
    start++
  }
  return start
}
