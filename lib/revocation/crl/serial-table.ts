/**
 * The serial numbers of one CRL, each with its reason and date, in a few flat arrays.
 *
 * A Map of a million strings takes 69 bytes for each entry and 184 ns for each miss, and can only be copied to another
 * thread. This is a hash table with open addressing. It consists of one byte of the hash for each slot, the positions
 * of the records, and the records. That byte is enough to end nearly every miss. It is exact: a match is compared in
 * full.
 *
 * Others see serial numbers and can choose some of them. So the hash is keyed (HalfSipHash-1-3, one key for each table):
 * nobody can prepare numbers that all fall into one slot.
 */
import { hash, randomFillSync } from 'node:crypto'
import { halfSipHash } from '../../half-sip-hash.js'

/** The arrays of a table. They share one buffer, which can be transferred to another thread. */
export interface SerialTableArrays {
  readonly size: number
  /** Whether entries have the issuer of their certificate, as in an indirect CRL. */
  readonly byIssuer: boolean
  readonly key: Uint32Array
  /** For each slot eight bits of the hash; 0 where it is free. */
  readonly tags: Uint8Array
  /** For each slot the start of its record. */
  readonly slots: Uint32Array
  /**
   * For each entry: a word with the reason (8 bits), the upper bits of the date (16) and the length of the serial
   * number (8), one with the lower bits of the date, the serial number filled up with zeros, and the index of
   * the issuer if `byIssuer`.
   */
  readonly records: Int32Array
}

export interface SerialEntry {
  /** CRLReason (RFC 5280 section 5.3.1); `NO_REASON` if the entry gives none. */
  readonly reason: number
  /** Milliseconds since 1970; undefined if the entry does not say. */
  readonly revokedAt: number | undefined
}

export const NO_REASON = 0xff
export const REMOVE_FROM_CRL = 8

/** A longer serial number is stored as its hash. RFC 5280 section 4.1.2.2 allows 20 bytes; OpenSSL accepts any length. */
export const LONGEST_SERIAL = 255
const LENGTH_OF_HASH = 32

/** Seconds are counted from the year 0, so that no GeneralizedTime is negative. */
const EPOCH = 62_167_219_200
/** In seconds since 1970, as `add` takes it. */
export const EARLIEST_TIME = -EPOCH
/** The date of an entry without a readable one. */
export const UNKNOWN_TIME = 2 ** 48 - 1 - EPOCH
/** Words of a record before the serial number. */
const HEAD = 2
const FEWEST_PLACES = 16
/** At least a quarter of the slots is free. */
const FULLEST = 0.75
/** From so many bytes on, memory is allocated in pages of its own, with a minimum of `ALWAYS_PAGES`. */
const PAGES_FROM = 1024 * 1024
const ALWAYS_PAGES = 33 * 1024 * 1024

/**
 * Builds a table from entries, in two steps: records first, slots afterwards.
 *
 * With a million entries a slot is in no cache. A loop over the slots alone is so short that the processor fetches many of
 * them at once. With the hash and the record in the same loop it waits for each, which takes three times as long.
 */
export class SerialTableBuilder {
  readonly #byIssuer: boolean
  readonly #key = randomFillSync(new Uint32Array(2))
  readonly #hashes: Int32Array
  readonly #records: Int32Array
  readonly #slots: Uint32Array
  readonly #tags: Uint8Array
  /** The serial number being added, as words. */
  readonly #serial = new Int32Array(wordsOf(LONGEST_SERIAL))
  #count = 0
  #next = 0

  /**
   * @param count how many entries there will be
   * @param serialWords words of all their serial numbers together; see `wordsOf`
   */
  constructor (count: number, serialWords: number, byIssuer: boolean) {
    this.#byIssuer = byIssuer
    this.#hashes = new Int32Array(memoryOf(count * 4), 0, count)
    const words = serialWords + count * (HEAD + Number(byIssuer))
    let places = FEWEST_PLACES
    while (count > places * FULLEST) places *= 2
    // One buffer for all three arrays.
    const memory = memoryOf(words * 4 + places * 5)
    this.#records = new Int32Array(memory, 0, words)
    this.#slots = new Uint32Array(memory, words * 4, places)
    this.#tags = new Uint8Array(memory, words * 4 + places * 4, places)
  }

  /**
   * Adds an entry.
   *
   * @param start the start of the serial number, see `serialStart`
   * @param seconds since 1970, at least `EARLIEST_TIME`; or `UNKNOWN_TIME`
   * @param issuer index of the certificate's issuer, 0 where there is only one; less than 2 ** 24
   */
  add (bytes: Uint8Array, start: number, end: number, seconds: number, reason: number, issuer: number): void {
    if (end - start > LONGEST_SERIAL) {
      this.add(hashOf(bytes, start, end), 0, LENGTH_OF_HASH, seconds, reason, issuer)
      return
    }
    const records = this.#records
    const serial = this.#serial
    const words = copyWords(bytes, start, end, serial)
    this.#hashes[this.#count++] = halfSipHash(this.#key, serial, words, issuer << 8 | (end - start))
    let next = this.#next
    // Not with %, which V8 computes in C for numbers of more than 32 bits.
    const high = Math.floor((seconds + EPOCH) / 0x1_0000_0000)
    records[next++] = reason << 24 | high << 8 | (end - start)
    records[next++] = seconds + EPOCH - high * 0x1_0000_0000
    for (let at = 0; at < words; at++) records[next++] = serial[at] as number
    if (this.#byIssuer) records[next++] = issuer
    this.#next = next
  }

  /**
   * The table of the entries added. Of a repeated number the first entry counts, unless it is a release: a revocation wins.
   */
  build (): SerialTable {
    // Writes beyond the end of a typed array are lost silently.
    if (this.#count > this.#hashes.length || this.#next > this.#records.length) throw new RangeError('more entries than announced')
    const tags = this.#tags
    const slots = this.#slots
    const records = this.#records
    const hashes = this.#hashes
    const mask = tags.length - 1
    const beside = HEAD + Number(this.#byIssuer)
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
      record += wordsOf((records[record] as number) & 0xff) + beside
    }
    return SerialTable.from({ size, byIssuer: this.#byIssuer, key: this.#key, tags, slots, records })
  }

  #isSame (a: number, b: number): boolean {
    const records = this.#records
    const length = (records[b] as number) & 0xff
    return isAt(records, a, length, records, b + HEAD) && (!this.#byIssuer || issuerAt(records, a) === issuerAt(records, b))
  }

  #isRemoved (record: number): boolean {
    return (this.#records[record] as number) >>> 24 === REMOVE_FROM_CRL
  }
}

/**
 * Memory that returns to the system with its table, and takes no RAM before it is written to.
 *
 * Memory from malloc may stay with the process: a new table is made while the old one is in use, and the old one leaves a
 * hole, so the process keeps twice the size of its tables. But glibc always maps more than 32 MiB as pages of their own,
 * and other libraries do so earlier. The unused rest of such a buffer takes no RAM. (A resizable buffer has pages of its
 * own too, but access takes twice the time.)
 */
function memoryOf (bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes < PAGES_FROM ? bytes : Math.max(bytes, ALWAYS_PAGES))
}

export class SerialTable {
  readonly arrays: SerialTableArrays
  readonly #mask: number
  /** The serial number being looked up, as words. */
  readonly #serial = new Int32Array(wordsOf(LONGEST_SERIAL))

  private constructor (arrays: SerialTableArrays) {
    this.arrays = arrays
    this.#mask = arrays.tags.length - 1
  }

  /** The table of arrays that a builder has filled, here or in another thread. */
  static from (arrays: SerialTableArrays): SerialTable {
    return new SerialTable(arrays)
  }

  get size (): number {
    return this.arrays.size
  }

  /** The entry of a serial number; the arguments are those of `SerialTableBuilder.add`. */
  find (bytes: Uint8Array, start: number, end: number, issuer: number): SerialEntry | undefined {
    const { byIssuer, key, tags, slots, records } = this.arrays
    const length = end - start
    if (length > LONGEST_SERIAL) return this.find(hashOf(bytes, start, end), 0, LENGTH_OF_HASH, issuer)
    const serial = this.#serial
    const hash = halfSipHash(key, serial, copyWords(bytes, start, end, serial), issuer << 8 | length)
    const tag = tagOf(hash)
    for (let place = hash & this.#mask; tags[place] !== 0; place = (place + 1) & this.#mask) {
      if (tags[place] !== tag) continue
      const record = slots[place] as number
      if (!isAt(records, record, length, serial, 0) || (byIssuer ? issuerAt(records, record) : 0) !== issuer) continue
      const head = records[record] as number
      const seconds = (head >>> 8 & 0xffff) * 0x1_0000_0000 + ((records[record + 1] as number) >>> 0)
      return { reason: head >>> 24, revokedAt: seconds - EPOCH === UNKNOWN_TIME ? undefined : (seconds - EPOCH) * 1000 }
    }
    return undefined
  }
}

/** The number of words of a serial number with so many bytes. */
export function wordsOf (length: number): number {
  return ((length > LONGEST_SERIAL ? LENGTH_OF_HASH : length) + 3) >>> 2
}

function hashOf (bytes: Uint8Array, start: number, end: number): Uint8Array {
  return hash('sha256', bytes.subarray(start, end), 'buffer')
}

/** Writes bytes as words, the last one padded with zeros. @returns the number of words */
function copyWords (bytes: Uint8Array, start: number, end: number, words: Int32Array): number {
  let at = start
  let count = 0
  for (; at + 4 <= end; at += 4) {
    words[count++] = (bytes[at] as number) | (bytes[at + 1] as number) << 8 | (bytes[at + 2] as number) << 16 |
      (bytes[at + 3] as number) << 24
  }
  if (at === end) return count
  let word = 0
  for (let shift = 0; at < end; shift += 8) word |= (bytes[at++] as number) << shift
  words[count] = word
  return count + 1
}

/** Whether a record is that of a serial number with this length and these words. */
function isAt (records: Int32Array, record: number, length: number, words: Int32Array, place: number): boolean {
  if (((records[record] as number) & 0xff) !== length) return false
  for (let at = wordsOf(length) - 1; at >= 0; at--) {
    if (records[record + HEAD + at] !== words[place + at]) return false
  }
  return true
}

/** The index of a record's issuer, where records have one. */
function issuerAt (records: Int32Array, record: number): number {
  return records[record + HEAD + wordsOf((records[record] as number) & 0xff)] as number
}

/** The bits that say least about the slot; never 0, which marks a free one. */
function tagOf (hash: number): number {
  return (hash >>> 24) || 1
}
