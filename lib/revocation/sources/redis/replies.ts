/**
 * Checks the bytes from Redis before ioredis parses them.
 *
 * ioredis trusts the server to follow the protocol. If a reply has an unexpected shape, it throws where we cannot catch
 * it, which ends the process. So only replies (RESP 2) of the shapes that our commands have are passed on. Nothing is
 * delayed: each piece is checked as it arrives.
 */
import { constants } from 'node:buffer'

/** The shape of the replies on a connection. */
export interface ReplyShape {
  /** The allowed first line of a whole reply. */
  readonly first: RegExp
  /** The allowed first line of each part of an array. */
  readonly part: RegExp
  /** How deep arrays may be nested. */
  readonly depth: number
  /** The whole reply that says that there is nothing. It is not passed on either: ioredis fails if it comes unasked. */
  readonly absent?: RegExp
}

/** Replies to commands. A whole reply is never null, but a part of it may be. */
export const ANSWERS: ReplyShape = {
  first: /^(?:[+-].*|:-?\d{1,19}|[$*]\d{1,10})$/s, part: /^(?:\+.*|:-?\d{1,19}|[$*]\d{1,10}|\$-1)$/s, depth: 3
}

/** Replies to XREAD: nothing, or one stream with entries of fields. */
export const CHANGES: ReplyShape = { first: /^(?:\+OK|-.*|\*-1|\*1)$/s, part: /^(?:\$\d{1,10}|\*\d{1,4})$/, depth: 5 }

/** Replies of a sentinel: where the primary is, or that it does not know its name. */
export const SENTINEL_ANSWERS: ReplyShape = { first: /^(?:\+OK|-.*|\*2)$/s, part: /^\$\d{1,10}$/s, depth: 1, absent: /^\*-1$/ }

/** Messages on a subscribed connection: the word (message, subscribe), a channel, and a text or number. */
export const HINTS: ReplyShape = { first: /^(?:\+OK|-.*|\*3)$/s, part: /^(?::-?\d{1,19}|\$\d{1,10})$/s, depth: 1 }

const LONGEST_LINE = 64 * 1024
/** Most parts of an array. A page of members has about a thousand. */
const MOST_PARTS = 1_000_000
const LINE_FEED = 0x0a
const NULL = '*-1'

export class ReplyGuard {
  /** Whether the piece was not accepted because it says that there is nothing. */
  isAbsent = false
  readonly #shape: ReplyShape
  /** Whether a whole reply has come since `expect`: ioredis fails on an unexpected null. */
  #isAnswered = true
  /** How many parts of each open array are still missing. */
  readonly #open: number[] = []
  /** The start of a line that continues in the next piece. */
  #line = ''
  /** Missing bytes of a string and its line break. */
  #string = 0
  /** Bytes of the reply so far: ioredis turns an unexpected reply into one string. */
  #bytes = 0

  constructor (shape: ReplyShape) {
    this.#shape = shape
  }

  /** A command was sent, and none is pending before it: its reply may be null, if the shape allows that. */
  expect (): void {
    this.#isAnswered = false
  }

  /** Whether a piece is a valid continuation of the replies. After an invalid one, call it no more. */
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

  /** @param rest how many bytes follow it */
  #acceptsLine (line: string, rest: number): boolean {
    // ioredis takes the first carriage return as the end.
    if (line.indexOf('\r') !== line.length - 1) return false
    const text = line.slice(0, -1)
    this.isAbsent = this.#open.length === 0 && this.#shape.absent?.test(text) === true
    if (!(this.#open.length === 0 ? this.#shape.first : this.#shape.part).test(text)) return false
    if (text === NULL && this.#open.length === 0 && this.#isAnswered) return false
    const length = Number(text.slice(1))
    if (text.startsWith('$') && length >= 0) {
      this.#string = length + 2
    } else if (text.startsWith('*') && length >= 0) {
      if (this.#open.length === this.#shape.depth || length > MOST_PARTS) return false
      this.#open.push(length)
      if (length === 0) this.#closeArray(rest)
    } else {
      this.#close(rest)
    }
    return this.#string <= constants.MAX_STRING_LENGTH
  }

  /** A reply, or a part of one, is complete. */
  #close (rest: number): void {
    const last = this.#open.length - 1
    const left = (this.#open[last] ?? 0) - 1
    if (last < 0) this.#isAnswered = true
    if (last < 0) this.#bytes = rest
    else if (left > 0) this.#open[last] = left
    else this.#closeArray(rest)
  }

  #closeArray (rest: number): void {
    this.#open.pop()
    this.#close(rest)
  }
}
