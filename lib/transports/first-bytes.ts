/** The first bytes of a connection, which come in pieces. Many pieces must not cost more than few. */
export class FirstBytes {
  #bytes: Buffer | undefined
  /** How many have come; there may be room for more. */
  #length = 0

  /** @returns all that have come */
  append (piece: Buffer): Buffer {
    const length = this.#length + piece.length
    if (this.#bytes === undefined) this.#bytes = piece
    else {
      if (length > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length))
        this.#bytes.copy(larger, 0, 0, this.#length)
        this.#bytes = larger
      }
      piece.copy(this.#bytes, this.#length)
    }
    this.#length = length
    return this.#bytes.subarray(0, length)
  }
}
