/**
 * The streams of a session of HTTP/2 whose answers wait for room that the client does not give. By what leaves the
 * session altogether, a client that asks for something small now and then would hide them, and keep the memory.
 *
 * Node does not show how much of a stream has left, only when a piece of the answer has, which may be all of it. So
 * what leaves beyond small answers may be of any of the streams, and speaks for all.
 */
import type { ServerHttp2Stream } from 'node:http2'

/** Bytes of the body of a small answer; what is larger counts as room that the client gives. */
const SMALL = 1024

/** Bytes of the head of an answer, with its frames and TLS records. */
const HEAD = 256

/** What a stream held back when that last became less. */
interface Waiting {
  unsent: number
  readonly since: number
  readonly moved: number
}

export class BlockedStreams {
  readonly #waiting = new Map<ServerHttp2Stream, Waiting>()
  /** Bytes of small answers, which are not those that wait. */
  #small = 0
  #moved = 0

  /** A stream has closed. */
  end (stream: ServerHttp2Stream): void {
    this.#waiting.delete(stream)
    this.#small += HEAD
    if (stream.rstCode === 0) this.#small += Math.min(SMALL, Number(stream.sentHeaders?.['content-length'] ?? SMALL))
  }

  /** @param moved bytes that have left for the client since it came, without the answers to its PINGs */
  look (streams: Iterable<ServerHttp2Stream>, moved: number, now: number): void {
    this.#moved = moved - this.#small
    for (const stream of streams) {
      const unsent = stream.writableLength
      const known = this.#waiting.get(stream)
      if (unsent === 0) this.#waiting.delete(stream)
      else if (known === undefined || unsent < known.unsent) this.#waiting.set(stream, { unsent, since: now, moved: this.#moved })
      else known.unsent = unsent
    }
  }

  /** Those that have waited for so many milliseconds, where too little has left in that time to be theirs. */
  over (milliseconds: number, now: number): ServerHttp2Stream[] {
    const old = [...this.#waiting].filter(([, { since }]) => now - since >= milliseconds)
    return old.flatMap(([stream, { moved }]) => this.#moved - moved < old.length * SMALL ? [stream] : [])
  }
}
