/**
 * The streams of a session of HTTP/2 whose answers wait for room that the client does not give. By what leaves the
 * session altogether, a client that asks for something small now and then would hide them, and keep the memory.
 *
 * Node does not show how much of a stream has left, only when a piece of the answer has, which may be all of it. So
 * what leaves beyond small answers may be of any of the streams, and speaks for all.
 */
import type { ServerHttp2Stream } from 'node:http2'
import { handedOf } from '../tls/undocumented.js'

/** Bytes of the body of a small answer; what is larger counts as room that the client gives. */
const SMALL = 1024

/** Bytes of the head of an answer, with its frames and TLS records. */
const HEAD = 256

/** Statuses of answers without a body, whatever their content-length says (RFC 9110 section 6.4.1). */
const BODILESS = new Set([204, 304])

/** What a stream held back when a piece of it last left. */
interface Waiting {
  unsent: number
  /** Bytes that the stream has passed on; the next piece only when the one before it has left. */
  readonly handed: number
  readonly since: number
  readonly moved: number
}

export class BlockedStreams {
  readonly #waiting = new Map<ServerHttp2Stream, Waiting>()
  /** Bytes of small answers, which are not those that wait. */
  #small = 0
  #moved = 0

  /** A stream has closed. @param method of its request */
  end (stream: ServerHttp2Stream, method?: string): void {
    this.#waiting.delete(stream)
    this.#small += HEAD
    if (stream.rstCode !== 0 || method === 'HEAD') return
    const { ':status': status, 'content-length': length = SMALL } = stream.sentHeaders ?? {}
    if (!BODILESS.has(Number(status))) this.#small += Math.min(SMALL, Number(length) || 0)
  }

  /** @param moved bytes that have left for the client since it came, without the answers to its PINGs */
  look (streams: Iterable<ServerHttp2Stream>, moved: number, now: number): void {
    this.#moved = moved - this.#small
    for (const stream of streams) {
      const unsent = stream.writableLength
      if (unsent === 0) {
        this.#waiting.delete(stream)
        continue
      }
      const known = this.#waiting.get(stream)
      const handed = handedOf(stream)
      if (known !== undefined && unsent >= known.unsent && handed === known.handed) known.unsent = unsent
      else this.#waiting.set(stream, { unsent, handed, since: now, moved: this.#moved })
    }
  }

  /**
   * Bytes of those no piece of which has left for so many milliseconds, whatever else has: what leaves for one
   * frees no memory of the others.
   */
  heldFor (milliseconds: number, now: number): number {
    let bytes = 0
    for (const [stream, { since }] of this.#waiting) if (now - since >= milliseconds) bytes += stream.writableLength
    return bytes
  }

  /** Those that have waited for so many milliseconds, where too little has left in that time to be theirs. */
  over (milliseconds: number, now: number): ServerHttp2Stream[] {
    const old = [...this.#waiting].filter(([, { since }]) => now - since >= milliseconds)
    return old.flatMap(([stream, { moved }]) => this.#moved - moved < old.length * SMALL ? [stream] : [])
  }
}
