/**
 * Rewrites BER with indefinite lengths or segmented strings as the DER that the readers expect.
 *
 * A CRL must be DER. But OpenSSL reads BER too, and a signature covers the bytes as they are. So such a CRL can be validly
 * signed, and must revoke.
 */
import { INDEFINITE, invalid, readElement, SEQUENCE, SET, unlessInvalid } from './der.js'

/** Levels of nesting; a CRL has about ten. */
const DEEPEST = 64
/** Bytes of the header that this writes: the tag, and a length of four bytes. */
const HEADER = 6
const CONSTRUCTED = 0x20
/** The bits of a tag that are 0 for the types of X.680. */
const CLASS = 0xc0

interface DefiniteBytes {
  /** The element, with all lengths stated and all strings in one piece. */
  readonly bytes: Uint8Array
  /** The end of the element in the original bytes. */
  readonly end: number
  /** Its first child as in the original bytes: the signed part. */
  readonly first: Uint8Array
}

/**
 * Reads the element at a place.
 *
 * @returns undefined if its lengths and strings are those of DER already, or it cannot be read
 */
export function withDefiniteLengths (bytes: Uint8Array, start: number): DefiniteBytes | undefined {
  return unlessInvalid(() => {
    // The first pass measures only: how long the result is, and whether anything changes.
    const measured = new Copy(bytes)
    const end = measured.copy(start, bytes.length, 0)
    if (!measured.isChanged) return undefined
    const written = new Uint8Array(measured.size)
    new Copy(bytes, written).copy(start, bytes.length, 0)
    return { bytes: written, end, first: bytes.subarray(measured.first.start, measured.first.end) }
  })
}

class Copy {
  isChanged = false
  first = { start: 0, end: 0 }
  readonly #from: Uint8Array
  readonly #to: Uint8Array | undefined
  #at = 0

  constructor (from: Uint8Array, to?: Uint8Array) {
    this.#from = from
    this.#to = to
  }

  get size (): number {
    return this.#at
  }

  /** Copies an element. @returns the end of it in the original bytes */
  copy (start: number, limit: number, depth: number): number {
    const { tag, content, end } = this.#head(start, limit, depth)
    if ((tag & CONSTRUCTED) === 0) {
      // A primitive element always has a definite length here.
      this.#put(start, end as number)
      return end as number
    }
    const isString = isInPieces(tag)
    const header = this.#at
    this.#at += HEADER
    const behind = this.#each(content, end, limit, (place, bound) => {
      if (isString) return this.#copyPiece(place, bound, depth + 1)
      const next = this.copy(place, bound, depth + 1)
      if (depth === 0 && place === content) this.first = { start: place, end: next }
      return next
    })
    if (isString) this.isChanged = true
    const length = this.#at - header - HEADER
    this.#to?.set([isString ? tag & ~CONSTRUCTED : tag, 0x84, length >>> 24, length >>> 16, length >>> 8, length], header)
    return behind
  }

  /** Copies the content of a segment of a string. @returns the end of the segment */
  #copyPiece (start: number, limit: number, depth: number): number {
    const { tag, content, end } = this.#head(start, limit, depth)
    if ((tag & CONSTRUCTED) !== 0) return this.#each(content, end, limit, (place, bound) => this.#copyPiece(place, bound, depth + 1))
    this.#put(content, end as number)
    return end as number
  }

  /** Copies the children of an element, up to its end or to its end-of-contents mark. */
  #each (content: number, end: number | undefined, limit: number, copy: (place: number, limit: number) => number): number {
    let place = content
    if (end !== undefined) {
      while (place < end) place = copy(place, end)
      return place
    }
    this.isChanged = true
    while (this.#from[place] !== 0 || this.#from[place + 1] !== 0) place = copy(place, limit)
    if (place + 2 > limit) throw invalid('it is cut short')
    return place + 2
  }

  #head (start: number, limit: number, depth: number): { tag: number, content: number, end: number | undefined } {
    if (depth > DEEPEST) throw invalid('elements nested too deeply')
    const tag = this.#from[start] ?? 0
    const isOpen = (tag & CONSTRUCTED) !== 0 && this.#from[start + 1] === INDEFINITE
    return isOpen ? { tag, content: start + 2, end: undefined } : readElement(this.#from, start, limit)
  }

  #put (start: number, end: number): void {
    this.#to?.set(this.#from.subarray(start, end), this.#at)
    this.#at += end - start
  }
}

/** Whether a tag is that of a segmented string: constructed and universal, but no SEQUENCE or SET. */
export function isInPieces (tag: number): boolean {
  return (tag & CLASS) === 0 && (tag & CONSTRUCTED) !== 0 && tag !== SEQUENCE && tag !== SET
}
