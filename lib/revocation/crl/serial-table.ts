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
  /** For each entry: length of the serial number, the number, seconds since 1970 (5 bytes), reason, and the issuer's index (4 bytes) if `byIssuer`. */
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

export class SerialTable {
  readonly #byIssuer: boolean
  readonly #key: Uint32Array
  readonly #tags: Uint8Array
  readonly #slots: Uint32Array
  readonly #records: Uint8Array
  readonly #mask: number
  #size: number
  #next = 0

  private constructor ({ size, byIssuer, key, tags, slots, records }: SerialTableArrays) {
    this.#size = size
    this.#byIssuer = byIssuer
    this.#key = key
    this.#tags = tags
    this.#slots = slots
    this.#records = records
    this.#mask = tags.length - 1
  }

  /**
   * An empty table with room for entries.
   *
   * @param count how many entries
   * @param serialBytes of how many bytes all their serial numbers are together
   */
  static allocate (count: number, serialBytes: number, byIssuer: boolean): SerialTable {
    let places = FEWEST_PLACES
    while (count > places * FULLEST) places *= 2
    return new SerialTable({
      size: 0,
      byIssuer,
      key: randomFillSync(new Uint32Array(2)),
      tags: new Uint8Array(places),
      slots: new Uint32Array(places),
      records: new Uint8Array(serialBytes + count * (1 + TIME_BYTES + 1 + (byIssuer ? ISSUER_BYTES : 0)))
    })
  }

  /** The table that another thread has filled. */
  static from (arrays: SerialTableArrays): SerialTable {
    return new SerialTable(arrays)
  }

  get arrays (): SerialTableArrays {
    return { size: this.#size, byIssuer: this.#byIssuer, key: this.#key, tags: this.#tags, slots: this.#slots, records: this.#records }
  }

  get size (): number {
    return this.#size
  }

  /**
   * Adds an entry. A number that is there already stays what it is, unless it was to be removed: being
   * revoked counts more.
   *
   * @param start where the serial number begins, see `serialStart`
   * @param seconds since 1970
   * @param issuer index of the certificate's issuer, 0 where there is one only
   */
  add (bytes: Uint8Array, start: number, end: number, seconds: number, reason: number, issuer: number): void {
    const tags = this.#tags
    const mask = this.#mask
    const hash = hashOf(this.#key, bytes, start, end, issuer)
    const tag = tagOf(hash)
    let place = hash & mask
    for (; tags[place] !== 0; place = (place + 1) & mask) {
      if (tags[place] !== tag || !this.#isAt(this.#slots[place] as number, bytes, start, end, issuer)) continue
      const rest = this.#slots[place] as number + 1 + (end - start)
      if (this.#records[rest + TIME_BYTES] === REMOVE_FROM_CRL) this.#write(rest, seconds, reason)
      return
    }
    const records = this.#records
    let next = this.#next
    tags[place] = tag
    this.#slots[place] = next
    records[next++] = end - start
    for (let at = start; at < end; at++) records[next++] = bytes[at] as number
    this.#write(next, seconds, reason)
    next += TIME_BYTES + 1
    if (this.#byIssuer) {
      for (let shift = 24; shift >= 0; shift -= 8) records[next++] = (issuer >>> shift) & 0xff
    }
    this.#next = next
    this.#size++
  }

  /** The entry of a serial number, by the same arguments as in `add`. */
  find (bytes: Uint8Array, start: number, end: number, issuer: number): SerialEntry | undefined {
    const tags = this.#tags
    const mask = this.#mask
    const records = this.#records
    const hash = hashOf(this.#key, bytes, start, end, issuer)
    const tag = tagOf(hash)
    for (let place = hash & mask; tags[place] !== 0; place = (place + 1) & mask) {
      if (tags[place] !== tag) continue
      const record = this.#slots[place] as number
      if (!this.#isAt(record, bytes, start, end, issuer)) continue
      const rest = record + 1 + (end - start)
      let seconds = 0
      for (let at = rest; at < rest + TIME_BYTES; at++) seconds = seconds * 256 + (records[at] as number)
      return { reason: records[rest + TIME_BYTES] as number, revokedAt: (seconds - EPOCH) * 1000 }
    }
    return undefined
  }

  #write (at: number, seconds: number, reason: number): void {
    const records = this.#records
    const low = (seconds + EPOCH) % 0x1_0000_0000
    records[at] = (seconds + EPOCH - low) / 0x1_0000_0000
    records[at + 1] = low >>> 24
    records[at + 2] = low >>> 16
    records[at + 3] = low >>> 8
    records[at + 4] = low
    records[at + TIME_BYTES] = reason
  }

  #isAt (record: number, bytes: Uint8Array, start: number, end: number, issuer: number): boolean {
    const records = this.#records
    const length = end - start
    if (records[record] !== length) return false
    for (let at = 0; at < length; at++) {
      if (records[record + 1 + at] !== bytes[start + at]) return false
    }
    if (!this.#byIssuer) return true
    let known = 0
    const behind = record + 1 + length + TIME_BYTES + 1
    for (let at = behind; at < behind + ISSUER_BYTES; at++) known = known * 256 + (records[at] as number)
    return known === issuer
  }
}

/** HalfSipHash-1-3 (Aumasson and Bernstein, SipHash, with words of 32 bits) of the number, its length, and the issuer. */
function hashOf (key: Uint32Array, bytes: Uint8Array, start: number, end: number, issuer: number): number {
  const words = (end - start) >>> 2
  let v0 = key[0] as number | 0
  let v1 = key[1] as number | 0
  let v2 = 0x6c796765 ^ v0
  let v3 = 0x74656462 ^ v1
  // The whole words, the rest with the length, the issuer, and three rounds at the end.
  for (let step = 0, at = start; step < words + 5; step++, at += 4) {
    let word = 0
    if (step < words) {
      word = (bytes[at] as number) | (bytes[at + 1] as number) << 8 | (bytes[at + 2] as number) << 16 | (bytes[at + 3] as number) << 24
    } else if (step === words) {
      word = (end - start) << 24
      if (at < end) word |= bytes[at] as number
      if (at + 1 < end) word |= (bytes[at + 1] as number) << 8
      if (at + 2 < end) word |= (bytes[at + 2] as number) << 16
    } else if (step === words + 1) {
      word = issuer
    } else if (step === words + 2) {
      v2 ^= 0xff
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}

/** The bits that say least of the place. */
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
