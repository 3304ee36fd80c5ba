/** Peers that read nothing, and the checks that end them, by a clock that the test sets. */
import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { EndpointServer } from '../../lib/index.js'

/** More than the kernel buffers for a peer that reads nothing. */
export const HUGE = Buffer.alloc(16 * 1024 * 1024, 'x')

/** Checks the connections of an app as if so many seconds had passed. */
export class Looks {
  readonly #app: FastifyInstance
  readonly #start = performance.now()

  constructor (app: FastifyInstance) {
    this.#app = app
  }

  get #connections (): EndpointServer['clientConnections'] {
    return (this.#app.server as unknown as EndpointServer).clientConnections
  }

  /** @returns how many places are taken after that */
  async after (seconds: number, memory?: number): Promise<number> {
    await this.#connections.endStalled(this.#start + seconds * 1000, memory)
    // What was destroyed closes in a later turn.
    for (let turns = 0; turns < 5; turns++) await turn()
    return this.#connections.size
  }
}
