/**
 * The keys of the session tickets of one endpoint, the same for all of its contexts: OpenSSL opens a ticket
 * with the keys of the context that a connection began with, and seals the next one with those of the
 * context that its server name led to.
 */
import { randomBytes } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { setTicketKeys } from './undocumented.js'

/** As the option `ticketKeys` of tls.createServer. */
const LENGTH = 48

export class TicketKeys {
  #keys = randomBytes(LENGTH)
  readonly #given = new WeakMap<SecureContext, Buffer>()

  /**
   * From now on no ticket from before is taken any more.
   * @param contexts with which handshakes may be under way
   */
  renew (contexts: Iterable<SecureContext>): void {
    this.#keys = randomBytes(LENGTH)
    for (const context of contexts) if (this.#given.has(context)) this.give(context)
  }

  /**
   * Gives a context the keys in force, if it has not got them. There may be thousands of contexts, so each
   * of them gets its keys when it is used next.
   */
  give (context: SecureContext): SecureContext {
    if (this.#given.get(context) !== this.#keys) {
      setTicketKeys(context, this.#keys)
      this.#given.set(context, this.#keys)
    }
    return context
  }
}
