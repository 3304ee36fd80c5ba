/**
 * One endpoint string at work: its transport, and the layers that its connections go through.
 *
 * Prepared, it has read every file and can judge; opened, it feeds sockets to HTTP.
 */
import type { AddressInfo, Socket } from 'node:net'
import type { Connection } from '../engine/connection.js'
import { type Bound, type CapacityLog, capacityLog, stallLog } from '../events/capacity-log.js'
import { isSecured, unwrap, type UnwrappedEndpoint } from '../description/index.js'
import type { Counters } from '../metrics/counters.js'
import { ProxyLayer, type ProxyLayerOptions } from './proxy-layer.js'
import { SharedWatchers } from '../revocation/shared-watchers.js'
import type { WatcherOptions } from '../revocation/watch.js'
import { CredentialsWatcher } from '../tls/credentials-watcher.js'
import { DEFAULT_HANDSHAKE_TIMEOUT, TlsLayer, type Engine, type TlsLayerOptions } from './tls-layer.js'
import type { StallEnd } from '../engine/stalled-peers.js'
import { openTransport } from '../transports/open.js'
import type { Transport, TransportOptions } from '../transports/listening.js'
import type { Endpoint } from '../../types/endpoint.js'

/** What the endpoints of an app have in common. */
export interface ListenerOptions extends Omit<TlsLayerOptions, 'credentials' | 'watchers'>,
  Pick<WatcherOptions, 'limits' | 'removalDelay' | 'clock' | 'sources' | 'measure'>, Pick<ProxyLayerOptions, 'headerClock'> {}

interface Logs {
  readonly capacity: CapacityLog<Bound>
  readonly stalls: CapacityLog<StallEnd>
}

export class Listener {
  /** What haproxy wraps, if it is there; its description is the whole string. */
  readonly endpoint: UnwrappedEndpoint
  /** There if a proxy relays its clients. */
  readonly proxy: ProxyLayer | undefined
  /** There if its clients speak TLS. */
  readonly tls: TlsLayer | undefined
  readonly #capacity: CapacityLog<Bound>
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
   * Reads and checks everything that the endpoints name, and starts to watch it. What several of them name they
   * share. If one fails none is left behind.
   * @param late rejects when it has taken too long: a file system may hang
   * @throws see loadCredentials and RevocationWatcher.start
   */
  static async prepareAll (described: readonly Endpoint[], options: ListenerOptions, late: Promise<never>): Promise<Listener[]> {
    const endpoints = described.map((one) => ({ described: one, endpoint: unwrap(one) }))
    const secured = endpoints.flatMap(({ endpoint }) => isSecured(endpoint) ? [endpoint] : [])
    const { now = Date.now, chainBudget, headerClock, ...lists } = options
    const { log, measure = false } = options
    const starting = CredentialsWatcher.start(secured, { log, now, measure })
    const watchers = new SharedWatchers({ ...lists, now: () => new Date(now()) })
    let preparing: Array<Promise<Listener>> = []
    try {
      const shared = { log, now, headerClock, ...(chainBudget !== undefined && { chainBudget }), watchers, credentials: await Promise.race([starting, late]) }
      preparing = endpoints.map(({ described, endpoint }) => Listener.#prepare(described, endpoint, shared))
      return await Promise.race([Promise.all(preparing), late])
    } catch (error) {
      starting.then((credentials) => { credentials.close() }, () => {})
      for (const listener of preparing) listener.then((listener) => listener.dispose(), () => {})
      throw error
    }
  }

  static async #prepare (described: Endpoint, endpoint: UnwrappedEndpoint, options: TlsLayerOptions & Pick<ProxyLayerOptions, 'headerClock'>): Promise<Listener> {
    const timeout = endpoint.type === 'tls' ? endpoint.handshakeTimeout : DEFAULT_HANDSHAKE_TIMEOUT
    const proxy = described.type === 'haproxy' ? new ProxyLayer(described, { ...options, timeout }) : undefined
    const tls = isSecured(endpoint) ? await TlsLayer.prepare(endpoint, options) : undefined
    const { description } = described
    return new Listener(endpoint, { capacity: capacityLog(description, options.log), stalls: stallLog(description, options.log) }, proxy, tls)
  }

  /** Has counted what happens from now on. */
  count (counters: Counters): void {
    this.#counters = counters
    this.proxy?.count(counters)
    this.tls?.count(counters)
  }

  /** Whether clients are asked for a certificate. */
  get judgesClients (): boolean {
    return this.endpoint.type === 'tls' && this.endpoint.verify !== 'none'
  }

  /** Whether a client may come without a certificate. */
  get admitsAnonymous (): boolean {
    return this.endpoint.type !== 'tls' || this.endpoint.verify !== 'required'
  }

  /** Where it listens; undefined while it does not, null where Node cannot tell. */
  get address (): AddressInfo | string | null | undefined {
    return this.#transport?.address
  }

  /**
   * Opens the transport and feeds the engine.
   * @throws see openTransport and ProxyLayer.checkTransport
   */
  async open (engine: Engine, sockets: TransportOptions['sockets']): Promise<void> {
    this.#transport = await openTransport(this.endpoint, {
      // http.Server lets a plain peer close its half first, https.Server does not: so do we.
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
    this.proxy.receive(connection, (took) => this.#serve(connection, engine, took))
  }

  /** One of its clients had to go, since there is no room for all. */
  reject (bound: Bound): void {
    this.#counters?.turnedAway(bound)
    this.#capacity.note(bound)
  }

  /** So many of its clients, or of their streams, were ended that took nothing. */
  endStalled (why: StallEnd, count: number): void {
    this.#counters?.stalled(why, count)
    this.#stalls.note(why, count)
  }

  /** @param took milliseconds that the layers below have taken of the time for the handshake */
  #serve (connection: Connection, engine: Engine, took: number): void {
    if (this.tls !== undefined) return this.tls.accept(connection, engine, took)
    connection.establish(connection.raw)
    engine.feed(connection.raw)
  }

  /** Resolves when no connection can come any more; undefined where one always can. */
  get spent (): Promise<void> | undefined {
    return this.#transport?.spent
  }

  /** Hands on a connection that has been there before, if there is one. */
  begin (): void {
    this.#transport?.begin?.()
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

  /** Forgets what `prepare` started; the connections that are still open are not judged any more. */
  dispose (): void {
    this.#capacity.close()
    this.#stalls.close()
    this.proxy?.dispose()
    this.tls?.dispose()
  }
}
