/**
 * A hook of an app that holds one request, as one does that asks a session store, and what that request is answered
 * with: also where the client is gone by then. Later requests pass.
 */
import { once, EventEmitter } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export class HeldHook {
  readonly #events = new EventEmitter()
  #released = false
  /** A request has come as far as the hook. */
  readonly reached = once(this.#events, 'reached')
  /** Status and body of the first answer. */
  readonly answered = once(this.#events, 'answered').then(([answer]) => String(answer))

  /** To be used as a hook, or in the place of anything else that an app waits for. */
  readonly wait = async (): Promise<void> => {
    if (this.#released) return
    const released = once(this.#events, 'release')
    this.#events.emit('reached')
    await released
  }

  release (): void {
    this.#released = true
    this.#events.emit('release')
  }

  /** Looks at what the app answers. */
  watch (app: FastifyInstance): void {
    const tell = async (_request: FastifyRequest, { statusCode }: FastifyReply, payload: unknown): Promise<void> => {
      this.#events.emit('answered', `${statusCode} ${String(payload)}`)
    }
    app.addHook('onSend', tell)
  }
}
