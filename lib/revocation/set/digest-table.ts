/**
 * An immutable set of SHA-256 digests, in the form of keys: `sha256//` and base64. It takes some 48 bytes an entry, outside
 * of the heap. A changed copy costs only as much as the changes.
 *
 * As in `PersistentMap`, the entries are spread over shards, and a copy shares those that an edit does not touch. A shard
 * is a hash table with linear probing: slots of eight words, and the number of entries as its last word.
 */
import { randomBytes } from 'node:crypto'
import { Slices } from '../../turns.js'

/** Average entries of a shard, until there are `MOST_SHARDS`. */
const ENTRIES_A_SHARD = 64
const MOST_SHARDS = 4096
const SHARD_BITS = 12
const WORDS = 8
const BYTES = 4 * WORDS
const FIRST_SLOTS = 4
/** The part of the slots that may be in use, and how many more a full shard gets. */
const FULLEST = 0.75
const GROWTH = 1.25
const PREFIX = 'sha256//'
/** Characters of a value. */
const LENGTH = PREFIX.length + 44

type Shard = Int32Array
type Shards = readonly Shard[]

/** Keeps others from choosing digests that fall into one shard, or into neighbouring slots. */
const SEED = randomBytes(4).readInt32LE()
/** The words of the digest that is looked for. */
const BYTES_SOUGHT = Buffer.alloc(BYTES)
const SOUGHT = new Int32Array(BYTES_SOUGHT.buffer, BYTES_SOUGHT.byteOffset, WORDS)
const EMPTY: Shard = new Int32Array(FIRST_SLOTS * WORDS + 1)

export class DigestTable implements Iterable<string> {
  static readonly empty = new DigestTable([EMPTY], 0)

  readonly size: number
  /** Their number is a power of two. */
  readonly #shards: Shards

  /** @internal */
  constructor (shards: Shards, size: number) {
    this.#shards = shards
    this.size = size
  }

  /** Whether a table can hold a value: a slot whose first word is zero is free. */
  static holds (value: string): boolean {
    if (value.length !== LENGTH) return false
    seek(value)
    return SOUGHT[0] !== 0
  }

  /** @param value as in a key, with a prefix */
  has (value: string): boolean {
    if (this.size === 0 || !DigestTable.holds(value)) return false
    return this.#has(SOUGHT, 0)
  }

  #has (words: Int32Array, at: number): boolean {
    const hash = hashOf(words, at)
    const shard = this.#shards[hash & (this.#shards.length - 1)] as Shard
    return isAt(shard, slotOf(shard, hash, words, at), words, at)
  }

  * [Symbol.iterator] (): Generator<string> {
    for (const shard of this.#shards) yield * valuesOf(shard)
  }

  /** Whether another table has the same entries. Shared shards are not compared. */
  isSameAs (other: DigestTable): boolean {
    if (other.size !== this.size) return false
    if (other.#shards.length !== this.#shards.length) return [...this].every((value) => other.has(value))
    return this.#shards.every((shard, index) => isSameShard(shard, other.#shards[index] as Shard))
  }

  /** The entries that another table lacks. Shared shards are not compared. */
  * notIn (other: DigestTable): Generator<string> {
    const isAlike = other.#shards.length === this.#shards.length
    for (let index = 0; index < this.#shards.length; index++) {
      const shard = this.#shards[index] as Shard
      if (isAlike && shard === other.#shards[index]) continue
      const bytes = Buffer.from(shard.buffer, shard.byteOffset, shard.byteLength)
      for (let at = 0; at < shard.length - 1; at += WORDS) if (shard[at] !== 0 && !other.#has(shard, at)) yield valueAt(bytes, at)
    }
  }

  /** The same entries, sharing with another table whatever is the same there. */
  async sharing (other: DigestTable): Promise<DigestTable> {
    if (other.#shards.length !== this.#shards.length) return this
    const slices = new Slices()
    const shards: Shard[] = []
    for (const [index, shard] of this.#shards.entries()) {
      const their = other.#shards[index] as Shard
      shards.push(isSameShard(shard, their) ? their : shard)
      if (slices.over) await slices.next()
    }
    return new DigestTable(shards, this.size)
  }

  /** @param expect called when there are thousands: how many there will be, about (as many as there are) */
  edit (expect?: () => number): DigestEdit {
    return new DigestEdit(this.#shards, this.size, expect)
  }
}

/** Changes, from which another table is made. */
export class DigestEdit {
  #shards: Shard[]
  /** 1 for each shard that this edit has made, and may change. */
  #own: Uint8Array
  #size: number
  readonly #expect: () => number
  /** Slots of a new shard. */
  #slots = FIRST_SLOTS

  /** @internal */
  constructor (shards: Shards, size: number, expect = (): number => this.#size) {
    this.#expect = expect
    this.#shards = [...shards]
    this.#own = new Uint8Array(shards.length)
    this.#size = size
  }

  get size (): number {
    return this.#size
  }

  /**
   * @param value one that the table `holds`
   * @returns whether it was not there
   */
  add (value: string): boolean {
    seek(value)
    const hash = hashOf(SOUGHT, 0)
    const index = hash & (this.#shards.length - 1)
    const known = this.#shards[index] as Shard
    if (isAt(known, slotOf(known, hash, SOUGHT, 0), SOUGHT, 0)) return false
    const shard = this.#roomy(this.#ownShard(index))
    this.#shards[index] = shard
    put(shard, hash, SOUGHT, 0)
    this.#size++
    if (this.#size > this.#shards.length * ENTRIES_A_SHARD && this.#shards.length < MOST_SHARDS) this.#spread()
    return true
  }

  /** @returns whether it was there */
  delete (value: string): boolean {
    seek(value)
    const hash = hashOf(SOUGHT, 0)
    const index = hash & (this.#shards.length - 1)
    const known = this.#shards[index] as Shard
    const slot = slotOf(known, hash, SOUGHT, 0)
    if (!isAt(known, slot, SOUGHT, 0)) return false
    removeAt(this.#ownShard(index), slot)
    this.#size--
    return true
  }

  /** The changed table. Ends the edit. */
  finish (): DigestTable {
    return new DigestTable(this.#shards, this.#size)
  }

  #ownShard (index: number): Shard {
    const shard = this.#shards[index] as Shard
    if (this.#own[index] === 1) return shard
    const copy = shard === EMPTY ? EMPTY : shard.slice()
    this.#own[index] = 1
    this.#shards[index] = copy
    return copy
  }

  /** The shard, or a larger one if it is full. */
  #roomy (shard: Shard): Shard {
    if (shard === EMPTY) return new Int32Array(this.#slots * WORDS + 1)
    return countOf(shard) + 1 <= FULLEST * slotsOf(shard) ? shard : larger(shard)
  }

  /** Happens at most twice in the life of a table, and with few entries. */
  #spread (): void {
    const count = this.#shards.length * ENTRIES_A_SHARD
    // Room for nearly all that will come: pieces of memory that grow leave gaps of the sizes that they had.
    const average = this.#expect() / count
    this.#slots = Math.max(FIRST_SLOTS, Math.ceil((average + 2 * Math.sqrt(average)) / FULLEST))
    const shards = new Array<Shard>(count).fill(EMPTY)
    for (const shard of this.#shards) {
      for (let at = 0; at < shard.length - 1; at += WORDS) {
        if (shard[at] === 0) continue
        const hash = hashOf(shard, at)
        const index = hash & (count - 1)
        const next = this.#roomy(shards[index] as Shard)
        put(next, hash, shard, at)
        shards[index] = next
      }
    }
    this.#shards = shards
    this.#own = Uint8Array.from(shards, (shard) => shard === EMPTY ? 0 : 1)
  }
}

function seek (value: string): void {
  BYTES_SOUGHT.write(value.slice(PREFIX.length), 'base64')
}

function hashOf (words: Int32Array, at: number): number {
  let hash = SEED
  for (let index = 0; index < WORDS; index++) {
    hash = Math.imul(hash ^ (words[at + index] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

function slotsOf (shard: Shard): number {
  return (shard.length - 1) / WORDS
}

function countOf (shard: Shard): number {
  return shard[shard.length - 1] as number
}

/** The slot where a search begins. The other bits of the hash choose the shard. */
function homeOf (shard: Shard, hash: number): number {
  return Math.floor((hash >>> SHARD_BITS) / 2 ** (32 - SHARD_BITS) * slotsOf(shard))
}

/** Where the words are, or the free slot where they would be. There is always one. */
function slotOf (shard: Shard, hash: number, words: Int32Array, at: number): number {
  const slots = slotsOf(shard)
  let slot = homeOf(shard, hash)
  while (shard[slot * WORDS] !== 0 && !isAt(shard, slot, words, at)) slot = slot + 1 === slots ? 0 : slot + 1
  return slot
}

function isAt (shard: Shard, slot: number, words: Int32Array, at: number): boolean {
  for (let index = 0; index < WORDS; index++) if (shard[slot * WORDS + index] !== words[at + index]) return false
  return true
}

function put (shard: Shard, hash: number, words: Int32Array, at: number): void {
  const start = slotOf(shard, hash, words, at) * WORDS
  for (let index = 0; index < WORDS; index++) shard[start + index] = words[at + index] as number
  shard[shard.length - 1] = countOf(shard) + 1
}

function larger (shard: Shard): Shard {
  const grown = new Int32Array(Math.ceil(slotsOf(shard) * GROWTH) * WORDS + 1)
  for (let at = 0; at < shard.length - 1; at += WORDS) if (shard[at] !== 0) put(grown, hashOf(shard, at), shard, at)
  return grown
}

/** Also moves those behind it that would no longer be found. */
function removeAt (shard: Shard, slot: number): void {
  const slots = slotsOf(shard)
  let free = slot
  for (let next = (slot + 1) % slots; shard[next * WORDS] !== 0; next = (next + 1) % slots) {
    const home = homeOf(shard, hashOf(shard, next * WORDS))
    const isBetween = free <= next ? free < home && home <= next : free < home || home <= next
    if (isBetween) continue
    shard.copyWithin(free * WORDS, next * WORDS, (next + 1) * WORDS)
    free = next
  }
  shard.fill(0, free * WORDS, (free + 1) * WORDS)
  shard[shard.length - 1] = countOf(shard) - 1
}

function * valuesOf (shard: Shard): Generator<string> {
  const bytes = Buffer.from(shard.buffer, shard.byteOffset, shard.byteLength)
  for (let at = 0; at < shard.length - 1; at += WORDS) {
    if (shard[at] !== 0) yield valueAt(bytes, at)
  }
}

/** @param at words before it */
function valueAt (bytes: Buffer, at: number): string {
  return PREFIX + bytes.toString('base64', at * 4, at * 4 + BYTES)
}

function isSameShard (one: Shard, other: Shard): boolean {
  if (one === other) return true
  if (countOf(one) !== countOf(other)) return false
  for (let at = 0; at < one.length - 1; at += WORDS) {
    if (one[at] !== 0 && !isAt(other, slotOf(other, hashOf(one, at), one, at), one, at)) return false
  }
  return true
}
