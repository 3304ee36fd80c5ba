/**
 * Finds the streams of an HTTP/2 session whose responses wait because the client opens no window for them.
 *
 * The bytes that leave the whole session do not show that. A client could hide blocked streams, and keep their memory in
 * use, by an occasional small request. Node does not show how much of a stream has left, only when a whole piece has. So
 * bytes beyond those of small responses may belong to any stream, and count for all of them.
 */
import type { ServerHttp2Stream } from 'node:http2'
import { handedOf } from '../tls/undocumented.js'

/** Bytes of the body of a small response. The rest of a larger one counts as progress. */
const SMALL = 1024

/** Bytes of the head of a response, with frames and TLS records. */
const HEAD = 256

/** Responses with these statuses have no body, whatever their content-length (RFC 9110 section 6.4.1). */
const BODILESS = new Set([204, 304])

/** State of a stream when a piece of it last left. */
interface Waiting {
  unsent: number
  /** Bytes that the stream has handed over. It hands over a piece when the previous one has left. */
  readonly handed: number
  readonly since: number
  readonly moved: number
}

export class BlockedStreams {
  readonly #waiting = new Map<ServerHttp2Stream, Waiting>()
  /** Bytes of small responses, which are no progress. */
  #small = 0
  #moved = 0

  /** A stream has closed. @param method the method of its request */
  end (stream: ServerHttp2Stream, method?: string): void {
    this.#waiting.delete(stream)
    this.#small += HEAD
    if (stream.rstCode !== 0 || method === 'HEAD') return
    const { ':status': status, 'content-length': length = SMALL } = stream.sentHeaders ?? {}
    if (!BODILESS.has(Number(status))) this.#small += Math.min(SMALL, Number(length) || 0)
  }

  /**
   * Checks all streams.
   * @param moved bytes sent to the client since data began to wait for it, without the replies to its PINGs
   */
  look (streams: Iterable<ServerHttp2Stream>, moved: number, now: number): void {
    this.#moved = moved - this.#small
    for (const stream of streams) {
      const unsent = stream.writableLength
      if (unsent === 0) {
        this.#waiting.delete(stream)
        continue
      }
      const entry = this.#waiting.get(stream)
      const handed = handedOf(stream)
      if (entry !== undefined && unsent >= entry.unsent && handed === entry.handed) entry.unsent = unsent
      else this.#waiting.set(stream, { unsent, handed, since: now, moved: this.#moved })
    }
  }

  /**
   * Bytes of the streams that sent no piece for so many milliseconds. Progress of other streams does not count here,
   * since it does not free the memory of these.
   */
  bytesBlockedFor (milliseconds: number, now: number): number {
    let bytes = 0
    for (const [stream, { since }] of this.#waiting) if (now - since >= milliseconds) bytes += stream.writableLength
    return bytes
  }

  /** Streams that have waited for so many milliseconds, if too little was sent in that time to be theirs. */
  blockedFor (milliseconds: number, now: number): ServerHttp2Stream[] {
    const old = [...this.#waiting].filter(([, { since }]) => now - since >= milliseconds)
    return old.flatMap(([stream, { moved }]) => this.#moved - moved < old.length * SMALL ? [stream] : [])
  }
}
