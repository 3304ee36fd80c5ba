/**
 * A hook that holds one request, as a hook that asks a session store does, and the answer to that request, even if the client
 * is gone by then. Later requests pass.
 */
import { once, EventEmitter } from 'node:events'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export class HeldHook {
  readonly #events = new EventEmitter()
  #released = false
  /** Resolves when a request reaches the hook. */
  readonly reached = once(this.#events, 'reached')
  /** Status and body of the first answer. */
  readonly answered = once(this.#events, 'answered').then(([answer]) => String(answer))

  /** Use it as a hook, or as anything else that an app waits for. */
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

  /** Records the answer of the app. */
  watch (app: FastifyInstance): void {
    const tell = async (_request: FastifyRequest, { statusCode }: FastifyReply, payload: unknown): Promise<void> => {
      this.#events.emit('answered', `${statusCode} ${String(payload)}`)
    }
    app.addHook('onSend', tell)
  }
}
