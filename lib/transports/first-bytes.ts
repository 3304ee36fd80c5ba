/** Reads the first bytes of a connection, before TLS or HTTP gets its socket. */
import type { Socket } from 'node:net'

/** Decides on the first bytes of a connection. */
export interface FirstBytesReader {
  /**
   * Reads all bytes received so far.
   * @returns how many bytes the next call needs; or what to do once nothing reads from the socket any more
   */
  look (all: Buffer): number | (() => void)
  /** The bytes did not arrive in time. Called instead of what `look` returns. */
  late (all: Buffer | undefined): void
  /** The peer closed the connection, which is destroyed. Called instead of what `look` returns. */
  closed (): void
}

/** A clock that limits how long something may take. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now (): number
  /** Calls back after a number of milliseconds, which may be negative: then the time is over. Returns a function that cancels the call. */
  after (milliseconds: number, expire: () => void): () => void
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  after (milliseconds, expire) {
    const timer = setTimeout(expire, Math.max(milliseconds, 0)).unref()
    return () => clearTimeout(timer)
  }
}

export interface FirstBytesOptions {
  /** How many milliseconds all of them may take. */
  readonly timeout: number
  /** By which clock. */
  readonly clock?: Clock
  /** Whether what `look` returns makes somebody read the socket at once, so that it need not be paused (no). */
  readonly flows?: boolean
}

/**
 * Reads a socket until its first bytes are understood. The reader hands on the bytes after them.
 *
 * @param raw a connected socket of which nothing has been read that belongs to the bytes
 */
export function readFirstBytes (raw: Socket, { timeout, clock = CLOCK, flows = false }: FirstBytesOptions, reader: FirstBytesReader): void {
  const pieces = new Pieces()
  let all: Buffer | undefined
  /** How many bytes the next call of `look` needs. */
  let awaited = 0
  const stopTimer = clock.after(timeout, () => {
    settle()
    reader.late(all)
  })

  function settle (): void {
    stopTimer()
    raw.removeListener('data', read)
    // What comes until somebody else reads the socket waits in it.
    if (!flows) raw.pause()
    raw.removeListener('end', handleClose)
    raw.removeListener('close', handleClose)
    raw.removeListener('error', ignore)
  }

  function handleClose (): void {
    settle()
    raw.destroy()
    reader.closed()
  }

  function read (piece: Buffer): void {
    all = pieces.append(piece)
    if (all.length < awaited) return
    const next = reader.look(all)
    if (typeof next === 'number') {
      awaited = next
      return
    }
    settle()
    next()
  }

  // In the turn in which they arrive. With `readable`, they would come a turn later.
  raw.on('data', read)
  raw.on('end', handleClose)
  raw.on('close', handleClose)
  // A reset is followed by `close`.
  raw.on('error', ignore)
  // An earlier reader may have paused it.
  raw.resume()
}

function ignore (): void {}

/** Bytes that arrive in pieces. Many pieces must not cost more than a few. */
class Pieces {
  #bytes: Buffer | undefined
  /** How many bytes have arrived; the buffer may be larger. */
  #length = 0

  /** @returns all bytes so far */
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
