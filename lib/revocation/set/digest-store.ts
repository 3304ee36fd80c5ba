/**
 * SHA-256 digests in the order in which they were added, with an index: about 40 bytes each, outside of the heap.
 *
 * It only grows. A removal is recorded, and the digest stays where it is. So tables of different times share one store:
 * each sees the entries of its own moment, and a change copies nothing. Copying pieces at each change would fragment the
 * memory, since nodes apply changes all the time.
 *
 * Large segments are not moved either. When one is full, the next one gets space for as many entries as there are.
 */

import { randomBytes } from 'node:crypto'

/** Words of a digest. */
export const WORDS = 8

const FIRST_CAPACITY = 16
/** How much a small segment grows, and from how many entries on it is not copied. Such a copy takes less than a millisecond. */
const GROWTH = 4
const SMALL = 4096
/** The most entries of a segment: 128 MiB. */
const LARGEST = 2 ** 22
/** Slots of the index for each entry. */
const SLOTS = 1.5
const NOWHERE = -1

/** A moment: how many entries had been added, and how many removed. */
export interface Moment {
  readonly added: number
  readonly removed: number
}

interface Segment {
  /** The number of its first entry. */
  readonly start: number
  readonly capacity: number
  /** The digests. Memory that was never written takes none of the machine's. */
  readonly words: Int32Array
  /** Places in `words`, plus one, by linear probing. */
  readonly index: Int32Array
}

export class DigestStore {
  #segments: Segment[] = []
  #added = 0
  /** The removed entries, in this order, and which removal it was for each. */
  readonly #removals: number[]
  readonly #removedBy: Map<number, number>
  /** For entries that were added again, the entry before. */
  readonly #former: Map<number, number>

  constructor (removals: Iterable<number> = [], removedBy?: ReadonlyMap<number, number>, former?: ReadonlyMap<number, number>) {
    this.#removals = [...removals]
    this.#removedBy = new Map(removedBy)
    this.#former = new Map(former)
  }

  isNow ({ added, removed }: Moment): boolean {
    return added === this.#added && removed === this.#removals.length
  }

  get now (): Moment {
    return { added: this.#added, removed: this.#removals.length }
  }

  /** The entry of a digest at a moment. @returns its number; negative if there was none */
  find (words: Int32Array, at: number, moment: Moment): number {
    const hash = hashOf(words, at)
    for (let index = this.#segments.length - 1; index >= 0; index--) {
      const segment = this.#segments[index] as Segment
      if (segment.start >= moment.added) continue
      const place = segment.index[slotOf(segment, hash, words, at)] as number
      if (place === 0) continue
      // If it was added again since, an entry before counts. If that one was removed, those before it were, too.
      let entry = segment.start + place - 1
      while (entry >= moment.added) {
        const former = this.#former.get(entry)
        if (former === undefined) return NOWHERE
        entry = former
      }
      return this.isIn(entry, moment) ? entry : NOWHERE
    }
    return NOWHERE
  }

  /** Whether an entry was there at a moment. */
  isIn (entry: number, { added, removed }: Moment): boolean {
    return entry < added && (removed === 0 || (this.#removedBy.get(entry) ?? Infinity) >= removed)
  }

  /** The entry that a removal removed. */
  removedEntry (removal: number): number {
    return this.#removals[removal] as number
  }

  /** Where the words of an entry are. */
  place (entry: number): { readonly words: Int32Array, readonly at: number } {
    const { words, start } = this.#segmentOf(entry)
    return { words, at: (entry - start) * WORDS }
  }

  #segmentOf (entry: number): Segment {
    let index = this.#segments.length - 1
    while ((this.#segments[index] as Segment).start > entry) index--
    return this.#segments[index] as Segment
  }

  /**
   * Adds a digest that is not there now.
   *
   * @param expect how many entries there will be, about
   */
  add (words: Int32Array, at: number, expect: () => number): void {
    const last = this.#segments.at(-1)
    const segment = last === undefined || this.#added === last.start + last.capacity ? this.#grow(expect) : last
    const former = this.#removals.length === 0 ? NOWHERE : this.#lastOf(words, at)
    if (former >= 0) this.#former.set(this.#added, former)
    put(segment, this.#added++, words, at)
  }

  remove (entry: number): void {
    this.#removedBy.set(entry, this.#removals.length)
    this.#removals.push(entry)
  }

  /** The last entry of a digest, removed or not. */
  #lastOf (words: Int32Array, at: number): number {
    const hash = hashOf(words, at)
    for (const segment of this.#segments.toReversed()) {
      const place = segment.index[slotOf(segment, hash, words, at)] as number
      if (place > 0) return segment.start + place - 1
    }
    return NOWHERE
  }

  #grow (expect: () => number): Segment {
    const count = this.#added
    if (count < SMALL) {
      const [before] = this.#segments
      const grown = segmentOf(0, Math.max(count * GROWTH, FIRST_CAPACITY))
      for (let entry = 0; entry < count; entry++) put(grown, entry, (before as Segment).words, entry * WORDS)
      this.#segments = [grown]
      return grown
    }
    const next = segmentOf(count, Math.min(Math.max(expect() - count, count), LARGEST))
    this.#segments.push(next)
    return next
  }

  /** A copy as of a moment, for a change that does not follow the last one. */
  copy ({ added, removed }: Moment): DigestStore {
    const isBefore = ([entry, by]: readonly [number, number]): boolean => entry < added && by < removed
    const copy = new DigestStore(
      this.#removals.slice(0, removed), new Map([...this.#removedBy].filter(isBefore)),
      new Map([...this.#former].filter(([entry]) => entry < added))
    )
    copy.#added = added
    copy.#segments = this.#segments.filter(({ start }) => start < added).map((segment) => {
      const { start, capacity } = segment
      const count = Math.min(added - start, capacity)
      const same = segmentOf(start, Math.max(count, FIRST_CAPACITY))
      for (let entry = start; entry < start + count; entry++) put(same, entry, segment.words, (entry - start) * WORDS)
      return same
    })
    return copy
  }
}

function segmentOf (start: number, capacity: number): Segment {
  return { start, capacity, words: new Int32Array(capacity * WORDS), index: new Int32Array(Math.ceil(capacity * SLOTS)) }
}

/** Prevents others from choosing digests that fall into neighbouring slots. */
const SEED = randomBytes(4).readInt32LE()

function hashOf (words: Int32Array, at: number): number {
  let hash = SEED
  for (let index = 0; index < WORDS; index++) {
    hash = Math.imul(hash ^ (words[at + index] as number), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** The slot of the words, or the free one where they would be. There is always one. */
function slotOf ({ words: known, index }: Segment, hash: number, words: Int32Array, at: number): number {
  const slots = index.length
  let slot = Math.floor((hash >>> 0) / 2 ** 32 * slots)
  for (;;) {
    const place = index[slot] as number
    if (place === 0 || isSame(known, (place - 1) * WORDS, words, at)) return slot
    slot = slot + 1 === slots ? 0 : slot + 1
  }
}

export function isSame (known: Int32Array, place: number, words: Int32Array, at: number): boolean {
  for (let index = 0; index < WORDS; index++) if (known[place + index] !== words[at + index]) return false
  return true
}

/** An entry that was added again takes the slot of the one before. */
function put (segment: Segment, entry: number, words: Int32Array, at: number): void {
  const place = entry - segment.start
  segment.index[slotOf(segment, hashOf(words, at), words, at)] = place + 1
  for (let index = 0; index < WORDS; index++) segment.words[place * WORDS + index] = words[at + index] as number
}
