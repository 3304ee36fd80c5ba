/** Reads the first bytes of a connection, before TLS or HTTP gets its socket. */
import type { Socket } from 'node:net'

/** Decides on the first bytes of a connection. */
export interface FirstBytesReader {
  /**
   * Looks at all bytes that have come.
   * @returns how many there must be for another look; or what is to be done as soon as nothing reads the socket any more
   */
  look (all: Buffer): number | (() => void)
  /** They have not come in time. Called instead of what `look` returns. */
  late (all: Buffer | undefined): void
  /** The peer has ended the connection, which is destroyed. Called instead of what `look` returns. */
  left (): void
}

/** A clock that limits how long something may take. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now (): number
  /** Calls back after so many milliseconds, unless the function that it gives is called before. */
  after (milliseconds: number, expire: () => void): () => void
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  after (milliseconds, expire) {
    const timer = setTimeout(expire, milliseconds).unref()
    return () => clearTimeout(timer)
  }
}

/**
 * Reads a socket until its first bytes are understood. What follows them the reader puts back.
 *
 * @param raw a connected socket of which nothing has been read that belongs to the bytes
 * @param timing how many milliseconds all of them may take, and by which clock
 */
export function readFirstBytes (
  raw: Socket, { timeout, clock = CLOCK }: { timeout: number, clock?: Clock }, reader: FirstBytesReader
): void {
  const pieces = new Pieces()
  let all: Buffer | undefined
  /** How many bytes there must be for another look. */
  let awaited = 0
  const stopTimer = clock.after(timeout, () => {
    settle()
    reader.late(all)
  })

  function settle (): void {
    stopTimer()
    raw.removeListener('readable', read)
    raw.removeListener('end', leave)
    raw.removeListener('close', leave)
    raw.removeListener('error', ignore)
  }

  function leave (): void {
    settle()
    raw.destroy()
    reader.left()
  }

  function read (): void {
    for (let piece = raw.read() as Buffer | null; piece !== null; piece = raw.read() as Buffer | null) {
      all = pieces.append(piece)
      if (all.length < awaited) continue
      const next = reader.look(all)
      if (typeof next === 'function') {
        settle()
        return next()
      }
      awaited = next
    }
  }

  raw.on('readable', read)
  raw.on('end', leave)
  raw.on('close', leave)
  // A reset is followed by `close`.
  raw.on('error', ignore)
}

function ignore (): void {}

/** Bytes that come in pieces. Many pieces must not cost more than few. */
class Pieces {
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
