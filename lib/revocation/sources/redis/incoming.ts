/**
 * Limits what one connection to Redis may receive: at most the expected bytes, so that no reply takes all memory before
 * it is checked, and only what the protocol allows.
 */
import type { Redis } from 'ioredis'
import { ReplyGuard, type ReplyShape } from './replies.js'

export class Incoming {
  /** Bytes. */
  readonly limit: number
  /** Why the connection was ended, if it was. */
  problem: 'too large' | 'foreign' | 'absent' | undefined
  #remaining: number
  readonly #guard: ReplyGuard

  /** @param limit most bytes received between two calls of `resetBudget` */
  constructor (redis: Redis, limit: number, shape: ReplyShape) {
    this.limit = limit
    this.#remaining = limit
    const guard = new ReplyGuard(shape)
    this.#guard = guard
    redis.once('connect', () => {
      const { stream } = redis
      // It must not keep the process alive.
      stream.unref()
      const readers = stream.listeners('data') as Array<(bytes: Buffer) => void>
      stream.removeAllListeners('data').on('data', (bytes: Buffer) => {
        if (this.problem !== undefined) return
        this.#remaining -= bytes.length
        if (this.#remaining < 0) this.problem = 'too large'
        else if (!guard.accepts(bytes)) this.problem = guard.isAbsent ? 'absent' : 'foreign'
        if (this.problem === undefined) return readers.forEach((read) => { read(bytes) })
        redis.disconnect()
        stream.destroy()
      })
    })
  }

  /** Starts another exchange, with the full limit of bytes: no reply is pending. */
  resetBudget (): void {
    this.#remaining = this.limit
    this.#guard.expect()
  }
}
