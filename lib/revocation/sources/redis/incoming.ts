/**
 * What may come on one connection to Redis: no more bytes than are expected, so that no answer takes all memory before
 * it is looked at, and nothing that is not of the protocol.
 */
import type { Redis } from 'ioredis'
import { ReplyGuard, type ReplyShape } from './replies.js'

export class Incoming {
  /** Bytes. */
  readonly limit: number
  /** Why the connection was ended, if it was. */
  problem: 'too large' | 'foreign' | undefined
  #left: number

  /** @param limit bytes that may come between two calls of `expect` */
  constructor (redis: Redis, limit: number, shape: ReplyShape) {
    this.limit = limit
    this.#left = limit
    const guard = new ReplyGuard(shape)
    redis.once('connect', () => {
      const { stream } = redis
      // Nobody's process lives on for this.
      stream.unref()
      const readers = stream.listeners('data') as Array<(bytes: Buffer) => void>
      stream.removeAllListeners('data').on('data', (bytes: Buffer) => {
        if (this.problem !== undefined) return
        this.#left -= bytes.length
        if (this.#left < 0) this.problem = 'too large'
        else if (!guard.take(bytes)) this.problem = 'foreign'
        if (this.problem === undefined) return readers.forEach((read) => { read(bytes) })
        redis.disconnect()
        stream.destroy()
      })
    })
  }

  /** Begins something of its own, for which there may come as many bytes as are allowed. */
  expect (): void {
    this.#left = this.limit
  }
}
