/**
 * One endpoint in operation: its transport, and the layers that its connections pass.
 *
 * `prepareAll` reads every file, so that clients can be judged. `open` listens, and feeds sockets to HTTP.
 */
import type { AddressInfo, Socket } from 'node:net'
import type { Connection } from '../engine/connection.js'
import { type ConnectionLimit, type CapacityLog, capacityLog, stallLog } from '../events/capacity-log.js'
import { isSecured, type SecuredEndpoint, unwrap, type UnwrappedEndpoint } from '../description/index.js'
import type { Counters } from '../metrics/counters.js'
import { ProxyLayer, type ProxyLayerOptions } from './proxy-layer.js'
import { DEFAULT_HANDSHAKE_TIMEOUT } from './default-timeout.js'
import type { Engine, TlsLayer } from './tls-layer.js'
import type { TlsLayers, TlsLayersOptions } from './tls-layers.js'
import type { StallEnd } from '../engine/stalled-peers.js'
import { openTransport } from '../transports/open.js'
import type { Transport, TransportOptions } from '../transports/listening.js'
import type { Endpoint } from '../../types/endpoint.js'

/** What the endpoints of an app have in common. */
export interface ListenerOptions extends Omit<TlsLayersOptions, 'endpoints'>, Pick<ProxyLayerOptions, 'headerClock'> {}

type LayerOptions = Pick<ProxyLayerOptions, 'log' | 'headerClock'> & { readonly layers: TlsLayers | undefined }

interface Logs {
  readonly capacity: CapacityLog<ConnectionLimit>
  readonly stalls: CapacityLog<StallEnd>
}

export class Listener {
  /** For haproxy, the endpoint that it wraps. The description is the whole string. */
  readonly endpoint: UnwrappedEndpoint
  /** Present if a proxy relays the clients. */
  readonly proxy: ProxyLayer | undefined
  /** Present if the clients speak TLS. */
  readonly tls: TlsLayer | undefined
  readonly #capacity: CapacityLog<ConnectionLimit>
  readonly #stalls: CapacityLog<StallEnd>
  #counters: Counters | undefined
  #transport: Transport | undefined

  private constructor (endpoint: UnwrappedEndpoint, logs: Logs, proxy?: ProxyLayer, tls?: TlsLayer) {
    this.endpoint = endpoint
    this.#capacity = logs.capacity
    this.#stalls = logs.stalls
    this.proxy = proxy
    this.tls = tls
  }

  /**
   * Reads and checks everything that the endpoints name, and starts to watch it. Endpoints that name the same files share
   * them. If one endpoint fails, all are disposed of.
   * @param late rejects when it takes too long: a file system may hang
   * @throws see loadCredentials and RevocationWatcher.start
   */
  static async prepareAll (outers: readonly Endpoint[], options: ListenerOptions, late: Promise<never>): Promise<Listener[]> {
    const endpoints = outers.map((outer) => ({ outer, endpoint: unwrap(outer) }))
    const secured = endpoints.flatMap(({ endpoint }) => isSecured(endpoint) ? [endpoint] : [])
    const { headerClock, ...others } = options
    const all = endpoints.map(({ endpoint }) => endpoint)
    const starting = secured.length === 0 ? undefined : startTls(secured, { ...others, endpoints: all })
    let preparing: Array<Promise<Listener>> = []
    try {
      const layers = await Promise.race([starting, late])
      preparing = endpoints.map(({ outer, endpoint }) => Listener.#prepare(outer, endpoint, { log: options.log, headerClock, layers }))
      return await Promise.race([Promise.all(preparing), late])
    } catch (error) {
      starting?.then((layers) => { layers.close() }, () => {})
      for (const listener of preparing) listener.then((listener) => listener.dispose(), () => {})
      throw error
    }
  }

  static async #prepare (outer: Endpoint, endpoint: UnwrappedEndpoint, options: LayerOptions): Promise<Listener> {
    const timeout = endpoint.type === 'tls' ? endpoint.handshakeTimeout : DEFAULT_HANDSHAKE_TIMEOUT
    const proxy = outer.type === 'haproxy' ? new ProxyLayer(outer, { ...options, timeout }) : undefined
    const tls = isSecured(endpoint) ? await options.layers?.prepare(endpoint) : undefined
    const { description } = outer
    const logs = { capacity: capacityLog(description, options.log), stalls: stallLog(description, options.log) }
    return new Listener(endpoint, logs, proxy, tls)
  }

  /** Counts events into `counters` from now on. */
  count (counters: Counters): void {
    this.#counters = counters
    this.proxy?.count(counters)
    this.tls?.count(counters)
  }

  /** Whether clients are asked for a certificate. */
  get judgesClients (): boolean {
    return this.endpoint.type === 'tls' && this.endpoint.verify !== 'none'
  }

  /** Whether clients without a certificate are admitted. */
  get admitsAnonymous (): boolean {
    return this.endpoint.type !== 'tls' || this.endpoint.verify !== 'required'
  }

  /** The address that it listens on; undefined if it does not listen, null if Node does not know. */
  get address (): AddressInfo | string | null | undefined {
    return this.#transport?.address
  }

  /**
   * Opens the transport and feeds the engine.
   * @throws see openTransport and ProxyLayer.checkTransport
   */
  async open (engine: Engine, sockets: TransportOptions['sockets']): Promise<void> {
    this.#transport = await openTransport(this.endpoint, {
      // As Node does: http.Server lets a peer close its half first, https.Server does not.
      sockets: { ...sockets, allowHalfOpen: this.tls === undefined },
      onSocket: (raw) => this.#accept(raw, engine)
    })
    this.proxy?.checkTransport(this.#transport)
  }

  #accept (raw: Socket, engine: Engine): void {
    if (this.proxy?.admits(raw) === false) return
    const connection = engine.clientConnections.add(raw, this.tls?.gate, this, (this.proxy ?? this.tls) !== undefined)
    if (connection === undefined) return
    if (this.proxy === undefined) return this.#serve(connection, engine, 0)
    // HTTP listens at once; TLS takes what waits in the socket.
    this.proxy.receive(connection, this.tls === undefined, (elapsed) => this.#serve(connection, engine, elapsed))
  }

  /** A limit was reached, and a connection of this listener was closed. */
  reject (limit: ConnectionLimit): void {
    this.#counters?.countRejected(limit)
    this.#capacity.note(limit)
  }

  /** Connections, or streams of HTTP/2, were closed because the client read no data. */
  endStalled (why: StallEnd, count: number): void {
    this.#counters?.countStalled(why, count)
    this.#stalls.note(why, count)
  }

  /** @param elapsed milliseconds of the handshake timeout that the layers below have used */
  #serve (connection: Connection, engine: Engine, elapsed: number): void {
    if (this.tls !== undefined) return this.tls.accept(connection, engine, elapsed)
    connection.establish(connection.raw)
    engine.feed(connection.raw)
  }

  /**
   * Begins to order the certificate, if the endpoint has `acme`, and waits for the first one if it has `acmeWait`.
   * @throws FST_ENDPOINT_ACME_FAILED if there is none in that time
   */
  async certified (): Promise<void> {
    const { tls, endpoint } = this
    if (tls?.acme === undefined || endpoint.type !== 'tls' || endpoint.acme === undefined) return
    tls.acme.begin()
    const { wait } = endpoint.acme
    if (wait === 0 || tls.acme.current() !== undefined) return
    await tls.acme.ready(wait)
    await tls.takeCertificate()
  }

  /** Resolves when no more connections can come; undefined if they always can. */
  get spent (): Promise<void> | undefined {
    return this.#transport?.spent
  }

  /** Serves the connection that existed before the start, if there is one. */
  begin (): void {
    this.#transport?.begin?.()
  }

  ref (): void {
    this.#transport?.ref()
  }

  unref (): void {
    this.#transport?.unref()
  }

  /** Stops accepting connections. Resolves when the open ones have ended. */
  async close (): Promise<void> {
    const transport = this.#transport
    this.#transport = undefined
    await transport?.close()
  }

  /** Stops watching files. Connections that are still open are no longer judged. Resolves when orders have released their store. */
  async dispose (): Promise<void> {
    this.#capacity.close()
    this.#stalls.close()
    this.proxy?.dispose()
    await this.tls?.dispose()
  }
}

async function startTls (endpoints: readonly SecuredEndpoint[], options: TlsLayersOptions): Promise<TlsLayers> {
  const { TlsLayers } = await import('./tls-layers.js')
  return await TlsLayers.start(endpoints, options)
}
