/**
 * Collects bytes that arrive in pieces, in one buffer with a size limit, and hashes them on the way.
 */
import { createHash } from 'node:crypto'

const FIRST = 64 * 1024

export class GrowingBytes {
  readonly #limit: number
  readonly #hash = createHash('sha256')
  #buffer: Buffer
  #length = 0

  /** @param expected how many there will be, if that is known */
  constructor (limit: number, expected = FIRST) {
    this.#limit = limit
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(expected, limit))
  }

  /** Appends a piece, and returns whether there was room for it. */
  append (piece: Buffer): boolean {
    const length = this.#length + piece.length
    if (length > this.#limit) return false
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(length, this.#buffer.length * 2), this.#limit))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    piece.copy(this.#buffer, this.#length)
    this.#hash.update(piece)
    this.#length = length
    return true
  }

  get bytes (): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** SHA-256, in base64. May be asked for once. */
  digest (): string {
    return this.#hash.digest('base64')
  }
}
