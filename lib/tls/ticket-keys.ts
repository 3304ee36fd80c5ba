/**
 * The keys for the session tickets of one endpoint. All of its contexts share them: OpenSSL opens a ticket with the keys of
 * the context that a connection began with, and seals the next one with the keys of the context for its server name.
 */
import { randomBytes } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { setTicketKeys } from './undocumented.js'

/** Bytes, as in the option `ticketKeys` of tls.createServer. */
const LENGTH = 48

export class TicketKeys {
  #keys = randomBytes(LENGTH)
  readonly #keysOf = new WeakMap<SecureContext, Buffer>()

  /**
   * Invalidates all earlier tickets.
   * @param contexts those that pending handshakes may use
   */
  renew (contexts: Iterable<SecureContext>): void {
    this.#keys = randomBytes(LENGTH)
    for (const context of contexts) if (this.#keysOf.has(context)) this.apply(context)
  }

  /**
   * Sets the current keys in a context, if it has others. There may be thousands of contexts, so each gets its keys on its next
   * use.
   * @returns the context
   */
  apply (context: SecureContext): SecureContext {
    if (this.#keysOf.get(context) !== this.#keys) {
      setTicketKeys(context, this.#keys)
      this.#keysOf.set(context, this.#keys)
    }
    return context
  }
}
