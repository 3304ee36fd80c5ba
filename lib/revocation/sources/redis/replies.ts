/**
 * Checks what comes from Redis before ioredis parses it.
 *
 * ioredis trusts a server to keep to the protocol: for a reply of another shape than the command has, it throws where
 * nobody can catch it, which ends the process. So nothing gets through but replies (RESP 2) of the shapes that
 * our commands have. Nothing is held back: it is looked at piece by piece, as it comes.
 */
import { constants } from 'node:buffer'

/** Of what shape the replies on a connection are. */
export interface ReplyShape {
  /** What a whole reply may begin with, up to its line break. */
  readonly first: RegExp
  /** What each part of an array may begin with. */
  readonly part: RegExp
  /** How many arrays may be in one another. */
  readonly depth: number
}

/** What is answered to commands: never nothing at all, though a part of an answer may be. */
export const ANSWERS: ReplyShape = {
  first: /^(?:[+-].*|:-?\d{1,19}|[$*]\d{1,10})$/s, part: /^(?:\+.*|:-?\d{1,19}|[$*]\d{1,10}|\$-1)$/s, depth: 2
}

/** What is said on a connection that hears of changes: the word (message, subscribe), a channel, and a text or a number. */
export const HINTS: ReplyShape = { first: /^(?:\+OK|-.*|\*3)$/s, part: /^(?::-?\d{1,19}|\$\d{1,10})$/s, depth: 1 }

const LONGEST_LINE = 64 * 1024
/** Of an array. A page of members has about a thousand. */
const MOST_PARTS = 1_000_000
const LINE_FEED = 0x0a

export class ReplyGuard {
  readonly #shape: ReplyShape
  /** How many parts are still to come, of the arrays that are open. */
  readonly #open: number[] = []
  /** The begin of a line that goes on in the next piece. */
  #line = ''
  /** Bytes of a string, and its line break, that are still to come. */
  #string = 0
  /** Bytes of the reply so far: ioredis makes one text of a reply that it did not wait for. */
  #bytes = 0

  constructor (shape: ReplyShape) {
    this.#shape = shape
  }

  /** Whether a piece goes on as a reply may. After one that does not, nothing counts any more. */
  accepts (piece: Buffer): boolean {
    this.#bytes += piece.length
    for (let at = 0; at < piece.length;) {
      if (this.#string > 0) {
        const length = Math.min(this.#string, piece.length - at)
        this.#string -= length
        at += length
        if (this.#string === 0) this.#close(piece.length - at)
        continue
      }
      const feed = piece.indexOf(LINE_FEED, at)
      const line = this.#line + piece.toString('latin1', at, feed < 0 ? piece.length : feed)
      if (line.length > LONGEST_LINE) return false
      this.#line = feed < 0 ? line : ''
      if (feed < 0) break
      at = feed + 1
      if (!this.#acceptsLine(line, piece.length - at)) return false
    }
    return this.#bytes <= constants.MAX_STRING_LENGTH
  }

  /** @param rest how many bytes there are behind it */
  #acceptsLine (line: string, rest: number): boolean {
    // ioredis takes the first carriage return for the end.
    if (line.indexOf('\r') !== line.length - 1) return false
    const text = line.slice(0, -1)
    if (!(this.#open.length === 0 ? this.#shape.first : this.#shape.part).test(text)) return false
    const length = Number(text.slice(1))
    if (text.startsWith('$') && length >= 0) {
      this.#string = length + 2
    } else if (text.startsWith('*')) {
      if (this.#open.length === this.#shape.depth || length > MOST_PARTS) return false
      this.#open.push(length)
      if (length === 0) this.#closeArray(rest)
    } else {
      this.#close(rest)
    }
    return this.#string <= constants.MAX_STRING_LENGTH
  }

  /** A reply, or a part of one, is whole. */
  #close (rest: number): void {
    const last = this.#open.length - 1
    const left = (this.#open[last] ?? 0) - 1
    if (last < 0) this.#bytes = rest
    else if (left > 0) this.#open[last] = left
    else this.#closeArray(rest)
  }

  #closeArray (rest: number): void {
    this.#open.pop()
    this.#close(rest)
  }
}
