/**
 * One endpoint string at work: its transport, and the layer that its connections go through.
 *
 * Prepared, it has read every file and can judge; opened, it feeds sockets to HTTP.
 */
import type { AddressInfo } from 'node:net'
import type { RevocationWatcher } from './revocation/watch.js'
import { TlsLayer, type Engine, type TlsLayerOptions } from './tls-layer.js'
import { openTransport } from './transports/open.js'
import type { Transport, TransportOptions } from './transports/listening.js'
import type { Endpoint } from '../types/endpoint.js'

export class Listener {
  readonly endpoint: Endpoint
  readonly #tls: TlsLayer | undefined
  #transport: Transport | undefined

  private constructor (endpoint: Endpoint, tls?: TlsLayer) {
    this.endpoint = endpoint
    this.#tls = tls
  }

  /**
   * Reads and checks everything that the endpoint names, and starts to watch its revocations.
   * @throws see loadCredentials and RevocationWatcher.start
   */
  static async prepare (endpoint: Endpoint, options: TlsLayerOptions): Promise<Listener> {
    const tls = endpoint.type === 'ssl' || endpoint.type === 'tls' ? await TlsLayer.prepare(endpoint, options) : undefined
    return new Listener(endpoint, tls)
  }

  get revocations (): RevocationWatcher | undefined {
    return this.#tls?.revocations
  }

  get refusals (): TlsLayer['refusals'] | undefined {
    return this.#tls?.refusals
  }

  get secure (): boolean {
    return this.#tls !== undefined
  }

  /** Whether a client may come without a certificate. */
  get admitsAnonymous (): boolean {
    return this.endpoint.type !== 'tls' || this.endpoint.verify !== 'required'
  }

  /** Where it listens; undefined while it does not. */
  get address (): AddressInfo | string | undefined {
    return this.#transport?.address
  }

  /**
   * Opens the transport and feeds the engine.
   * @throws see openTransport
   */
  async open (engine: Engine, sockets: TransportOptions['sockets']): Promise<void> {
    this.#transport = await openTransport(this.endpoint, {
      // http.Server lets a plain peer close its half first, https.Server does not: so do we.
      sockets: { ...sockets, allowHalfOpen: !this.secure },
      onSocket: (raw) => {
        if (this.#tls !== undefined) return this.#tls.accept(raw, engine)
        const connection = engine.clientConnections.add(raw, undefined)
        if (connection === undefined) return
        connection.establish(raw)
        engine.feed(raw)
      }
    })
  }

  ref (): void {
    this.#transport?.ref()
  }

  unref (): void {
    this.#transport?.unref()
  }

  /** Accepts no more connections; resolves when those that are open have ended. */
  async close (): Promise<void> {
    const transport = this.#transport
    this.#transport = undefined
    await transport?.close()
  }

  /** Reads all files of the endpoint anew. See TlsLayer.reload. */
  async reload (): Promise<void> {
    await this.#tls?.reload()
  }

  /** Forgets what `prepare` started; the connections that are still open are not judged any more. */
  dispose (): void {
    this.#tls?.dispose()
  }
}
