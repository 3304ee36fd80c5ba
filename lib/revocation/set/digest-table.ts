/**
 * An immutable set of SHA-256 digests, in the form of keys: `sha256//` and base64. A changed copy costs only as much as the
 * changes: it is another moment of the same store.
 */
import { Slices } from '../../turns.js'
import { DigestStore, type Moment, WORDS } from './digest-store.js'

const BYTES = 4 * WORDS
const PREFIX = 'sha256//'
/** Characters of a value. */
const LENGTH = PREFIX.length + 44
/** Removed entries that may take memory, in addition to half as many as there are others. */
const MOST_REMOVED = 1024
/** Tables with more differences, as a part of their entries, do not share memory. */
const MOST_DIFFERENT = 1 / 16
/** How many entries a generator compares before it lets the caller pause. */
const BETWEEN_PAUSES = 500

/** The digest that is looked for. */
const SOUGHT = new Int32Array(WORDS)
const SOUGHT_BYTES = new Uint8Array(SOUGHT.buffer)
const PADDING = '='.charCodeAt(0)
const CODE_OF_ZERO = 'A'.charCodeAt(0)
/** The values of the characters of base64, by their codes; -1 for others. */
const SEXTETS = new Int8Array(128).fill(-1)
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  SEXTETS[character.charCodeAt(0)] = value
}

export class DigestTable {
  static readonly empty = new DigestTable(new DigestStore(), { added: 0, removed: 0 })

  readonly #store: DigestStore
  readonly #moment: Moment

  /** @internal */
  constructor (store: DigestStore, moment: Moment) {
    this.#store = store
    this.#moment = moment
  }

  get size (): number {
    return this.#moment.added - this.#moment.removed
  }

  /** @param value as in a key, with a prefix */
  has (value: string): boolean {
    return this.size > 0 && value.length === LENGTH && seek(value, 0) && this.#has(SOUGHT, 0)
  }

  #has (words: Int32Array, at: number): boolean {
    return this.#store.find(words, at, this.#moment) >= 0
  }

  * [Symbol.iterator] (): Generator<string> {
    for (let entry = 0; entry < this.#moment.added; entry++) {
      if (this.#store.isIn(entry, this.#moment)) yield this.#valueOf(entry)
    }
  }

  /** Whether another table has the same entries. Those that both share are not compared. */
  isSameAs (other: DigestTable): boolean {
    if (other.size !== this.size) return false
    for (const value of this.notIn(other)) if (value !== undefined) return false
    return true
  }

  /**
   * The entries that another table lacks. Those that both share are not compared.
   *
   * @returns also undefined, from time to time, so that the caller can pause
   */
  * notIn (other: DigestTable): Generator<string | undefined> {
    let left = BETWEEN_PAUSES
    for (const entry of this.#unshared(other)) {
      const { words, at } = this.#store.place(entry)
      if (this.#store.isIn(entry, this.#moment) && !other.#has(words, at)) yield this.#valueOf(entry)
      if (--left > 0) continue
      left = BETWEEN_PAUSES
      yield undefined
    }
  }

  /** All entries but those that are certainly in another table. */
  * #unshared (other: DigestTable): Generator<number> {
    const isShared = other.#store === this.#store
    for (let entry = isShared ? other.#moment.added : 0; entry < this.#moment.added; entry++) yield entry
    if (!isShared) return
    for (let removal = this.#moment.removed; removal < other.#moment.removed; removal++) yield this.#store.removedEntry(removal)
  }

  /** The same entries, sharing memory with another table if they are nearly the same. */
  async sharing (other: DigestTable): Promise<DigestTable> {
    if (other.#store === this.#store || other.size === 0) return this
    const slices = new Slices()
    const [gone, added]: [string[], string[]] = [[], []]
    for (const [values, one, two] of [[gone, other, this], [added, this, other]] as const) {
      for (const value of one.notIn(two)) {
        if (value !== undefined) values.push(value)
        if (gone.length + added.length > MOST_DIFFERENT * other.size) return this
        if (slices.over) await slices.next()
      }
    }
    const edit = other.edit()
    for (const [values, isAdded] of [[gone, false], [added, true]] as const) {
      for (const value of values) {
        if (isAdded) edit.add(value)
        else edit.delete(value)
        if (slices.over) await slices.next()
      }
    }
    return await edit.finish().compact()
  }

  /** The same entries, without memory for those that were removed, if these are many. */
  async compact (): Promise<DigestTable> {
    if (this.#moment.removed <= this.size / 2 + MOST_REMOVED) return this
    const { size } = this
    const edit = DigestTable.empty.edit(() => size)
    const slices = new Slices()
    for (const value of this) {
      edit.add(value)
      if (slices.over) await slices.next()
    }
    return edit.finish()
  }

  /** @param expect called when there are thousands: how many there will be, about (as many as there are) */
  edit (expect?: () => number): DigestEdit {
    return new DigestEdit(this.#store, this.#moment, expect)
  }

  #valueOf (entry: number): string {
    const { words, at } = this.#store.place(entry)
    return PREFIX + Buffer.from(words.buffer, words.byteOffset + at * 4, BYTES).toString('base64')
  }
}

/** Changes, from which another table is made. */
export class DigestEdit {
  #store: DigestStore
  #moment: Moment
  #isOwn = false
  readonly #expect: () => number

  /** @internal */
  constructor (store: DigestStore, moment: Moment, expect = (): number => this.size) {
    this.#store = store
    this.#moment = moment
    this.#expect = expect
  }

  get size (): number {
    return this.#moment.added - this.#moment.removed
  }

  /**
   * @param text one of a value, from `at` on to its end
   * @returns whether it was not there; undefined if it is no value
   */
  add (text: string, at = 0): boolean | undefined {
    if (text.length - at !== LENGTH || !seek(text, at)) return undefined
    if (this.#store.find(SOUGHT, 0, this.#moment) >= 0) return false
    this.#own().add(SOUGHT, 0, this.#expect)
    this.#moment = this.#store.now
    return true
  }

  /** @returns whether it was there; undefined if it is no value */
  delete (text: string, at = 0): boolean | undefined {
    if (text.length - at !== LENGTH || !seek(text, at)) return undefined
    const entry = this.#store.find(SOUGHT, 0, this.#moment)
    if (entry < 0) return false
    this.#own().remove(entry)
    this.#moment = this.#store.now
    return true
  }

  /** The changed table. Ends the edit. */
  finish (): DigestTable {
    return new DigestTable(this.#store, this.#moment)
  }

  /** The store, or a copy if another edit has changed it since: tables see only one line of changes in a store. */
  #own (): DigestStore {
    if (!this.#isOwn && (this.#moment.added === 0 || !this.#store.isNow(this.#moment))) this.#store = this.#store.copy(this.#moment)
    this.#isOwn = true
    return this.#store
  }
}

/** Reads a value into `SOUGHT`. @returns whether it is one, in the only form in which it is written */
function seek (text: string, start: number): boolean {
  let at = start + PREFIX.length
  let codes = text.charCodeAt(at + 43)
  if (codes !== PADDING || !text.startsWith(PREFIX, start)) return false
  let values = 0
  for (let byte = 0; byte < BYTES; byte += 3, at += 4) {
    const [a, b, c] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)]
    const isLast = byte === BYTES - 2
    const d = isLast ? CODE_OF_ZERO : text.charCodeAt(at + 3)
    codes |= a | b | c | d
    const value = (SEXTETS[a & 0x7f] as number) << 18 | (SEXTETS[b & 0x7f] as number) << 12 |
      (SEXTETS[c & 0x7f] as number) << 6 | (SEXTETS[d & 0x7f] as number)
    // Negative if one of them is. The last byte has two unused bits.
    values |= isLast && (value & 0xff) !== 0 ? -1 : value
    SOUGHT_BYTES[byte] = value >> 16
    SOUGHT_BYTES[byte + 1] = value >> 8
    if (!isLast) SOUGHT_BYTES[byte + 2] = value
  }
  return values >= 0 && codes < 0x80
}
