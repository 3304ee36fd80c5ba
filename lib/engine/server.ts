/**
 * serverFactory, and the EndpointServer that it makes: Fastify's HTTP engine, which gets its sockets from the endpoints.
 *
 * It is an http.Server that never listens itself. For Fastify and its plugins it answers `listening`, `address()`, `close()`
 * and the timeouts for all listeners together.
 *
 * The path from a socket to a route:
 *
 *     ../transports                         the kernel hands over a raw socket
 *     ../layers/listener                    knows the endpoint
 *     connections, handshake-queue          a place, if no limit is reached
 *     ../layers/proxy-layer                 the PROXY header: ../proxy-protocol/receive
 *     ../layers/tls-layer                   ../tls/handshake, and the verdict of ../tls/gate
 *     connection: establish                 from here on a swap reaches it
 *     server: feed                          http1, or http2, gets the socket
 *     server: emit, refused-requests        the checks of the client before the app
 *     Fastify                               hooks, and the handler of the route
 */
import { Server, type IncomingMessage, type RequestListener, type ServerOptions, type ServerResponse } from 'node:http'
import type { ServerOptions as Http2Options } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyServerOptions, RawServerBase } from 'fastify'
import { ChallengeRequests } from './challenge-requests.js'
import { watchClosing } from './closing.js'
import { Connection } from './connection.js'
import { Connections, type ConnectionLimits } from './connections.js'
import { descriptors } from '../descriptors.js'
import { RouteDemands } from '../allowed/route-demand.js'
import { errors } from '../errors.js'
import { Http2Engine, type Http2Handler } from './http2.js'
import { warnInTheClear } from '../layers/in-the-clear.js'
import type { Listener } from '../layers/listener.js'
import { avoidSecondaryServers, explainAddressInUse, logIgnored, logOtherAddresses } from './listen-call.js'
import { guardHandlers } from './refused-requests.js'
import { replacedMethod } from './replaced-methods.js'
import type { ClientSocket } from '../tls/client-socket.js'
import { readExpectations, checkExpectations, type ExpectedServer } from './server-options.js'
import type { EndpointLog } from '../../types/log.js'

/** Options that Fastify applies only to servers of its own. Here the engine applies them. */
interface EngineOptions {
  /** For HTTP/1 and HTTP/2. */
  http?: ServerOptions & Http2Options
  keepAliveTimeout?: number
  requestTimeout?: number
  connectionTimeout?: number
  maxRequestsPerSocket?: number | null
  http2SessionTimeout?: number
  https?: unknown
  http2?: unknown
}

/** Fastify's default, in milliseconds. */
const DEFAULT_SESSION_TIMEOUT = 72_000

type State = 'new' | 'opening' | 'listening' | 'closing' | 'closed'

/**
 * The server of an app that was created with {@link serverFactory}: `app.server`.
 *
 * It is an `http.Server` of Node.js. It also emits the events of `tls.Server` and `http2.Server`, and its `listen()` opens the
 * endpoints of the app.
 */
export class EndpointServer extends Server {
  /** @internal */
  readonly clientConnections = new Connections()
  /**
   * Whether every handler of the app is preceded by a check of the client.
   * @internal
   */
  guarded = false
  /** @internal */
  readonly demands = new RouteDemands()
  readonly #handler: RequestListener
  readonly #http2: Http2Engine
  readonly #sockets: Pick<ServerOptions, 'noDelay' | 'keepAlive' | 'keepAliveInitialDelay' | 'highWaterMark'>
  #listeners: readonly Listener[] = []
  #log: EndpointLog | undefined
  #state: State = 'new'
  /** Resolves when `listen()` has succeeded or failed. */
  #opened: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #judgesClients = false
  /** There if certificates are ordered, so that challenges may come. */
  #challenges: ChallengeRequests | undefined
  #unref = false
  #closeTimeout = Infinity
  readonly #expectedServer: ExpectedServer
  #onSpent = (): void => {}
  /** From the options of the plugin. */
  #limits: ConnectionLimits = { connections: Infinity, handshakes: Infinity }
  /** Set by the app on the server; replaces the option. */
  #maxConnections: number | undefined
  /** HTTP/1's own listeners of `connection`, which must not get a connection of HTTP/2. */
  readonly #http1: ReadonlySet<unknown>
  /** Stops holding back descriptors. */
  #releaseDescriptors = (): void => {}

  constructor (handler: RequestListener, options: EngineOptions = {}) {
    super(options.http ?? {}, handler)
    this.#expectedServer = readExpectations(options)
    this.#handler = handler
    this.#http1 = new Set(this.rawListeners('connection'))
    this.clientConnections.onDrop = (raw) => { if (this.listenerCount('drop') > 0) super.emit('drop', addressesOf(raw)) }
    const emitRequest: Http2Handler = (request, response) => { this.emit('request', request, response) }
    this.#http2 = new Http2Engine(emitRequest, options.http ?? {}, options.http2SessionTimeout ?? DEFAULT_SESSION_TIMEOUT, {
      begun: (session) => { super.emit('session', session) },
      failed: (err, session) => {
        this.#log?.debug({ err }, 'HTTP/2 session failed')
        super.emit('sessionError', err, session)
      }
    })
    const { noDelay = true, keepAlive = false, keepAliveInitialDelay = 0, highWaterMark } = options.http ?? {}
    this.#sockets = { noDelay, keepAlive, keepAliveInitialDelay, ...(highWaterMark !== undefined && { highWaterMark }) }
    if (options.keepAliveTimeout !== undefined) this.keepAliveTimeout = options.keepAliveTimeout
    if (options.requestTimeout !== undefined) this.requestTimeout = options.requestTimeout
    if (options.connectionTimeout !== undefined) this.setTimeout(options.connectionTimeout)
    // 0 means no limit to Fastify as well as to Node, null means 0 to Fastify.
    if (typeof options.maxRequestsPerSocket === 'number') this.maxRequestsPerSocket = options.maxRequestsPerSocket
  }

  /**
   * Sets the listeners that `listen()` will open.
   * @param closeTimeout milliseconds that `close()` waits for connections
   * @param onSpent called when no more connections can come
   * @internal
   */
  attach (
    listeners: readonly Listener[],
    log: EndpointLog,
    limits: ConnectionLimits,
    closeTimeout: number,
    onSpent: () => void
  ): void {
    if (this.#listeners.length > 0) throw new errors.FST_ENDPOINT_ALREADY_REGISTERED()
    checkExpectations(this.#expectedServer, listeners)
    this.#listeners = listeners
    this.#judgesClients = listeners.some(({ judgesClients }) => judgesClients)
    const orders = new Set(listeners.flatMap(({ tls }) => tls?.acme ?? []))
    if (orders.size > 0) this.#challenges = new ChallengeRequests([...orders].map(({ challenges }) => challenges))
    this.#log = log
    this.#limits = limits
    this.#applyLimits()
    this.#releaseDescriptors = descriptors.holdBack(() => { this.clientConnections.freeDescriptors() })
    this.#closeTimeout = closeTimeout
    this.#onSpent = onSpent
    // The peer of stdio may end its half first, at the end of a file or a pipe. http.Server then stops answering,
    // unless this undocumented property is set.
    if (listeners.some(({ endpoint }) => endpoint.type === 'stdio')) Object.assign(this, { httpAllowHalfOpen: true })
  }

  /** Whether clients speak TLS to the first listener: Fastify prints `https` then. */
  get secure (): boolean {
    return this.#listeners[0]?.tls !== undefined
  }

  /** Whether any listener asks for client certificates. If not, no client can be refused. */
  get judgesClients (): boolean {
    return this.#judgesClients
  }

  /**
   * Whether clients can connect. Not in the declarations, since Node's have a property here.
   * @internal
   */
  // @ts-expect-error net.Server declares a property where Node itself has a getter.
  override get listening (): boolean {
    return this.#state === 'listening'
  }

  /** The address of the first listener, or its endpoint string if Node does not know it. Fastify logs this. */
  override address (): AddressInfo | string | null {
    const [first] = this.#listeners
    return first?.address === null ? first.endpoint.description : first?.address ?? null
  }

  /**
   * Opens all listeners, or none. Port, host and path are ignored: the endpoint strings decide. Emits `listening`, or `error`
   * with a coded error.
   * @throws FST_ENDPOINT_ALREADY_LISTENING, FST_ENDPOINT_CLOSED
   */
  override listen (...args: unknown[]): this {
    if (this.#state === 'opening' || this.#state === 'listening') throw new errors.FST_ENDPOINT_ALREADY_LISTENING()
    if (this.#state !== 'new') throw new errors.FST_ENDPOINT_CLOSED()
    const callback = args.at(-1)
    if (typeof callback === 'function') this.once('listening', callback as () => void)
    logIgnored(args[0], this.#listeners, this.#log)
    avoidSecondaryServers(args[0])
    const opening = this.#open()
    this.#opened = opening.catch(() => {})
    opening.then(() => {
      this.emit('listening')
      this.#begin()
    }, (error: unknown) => { this.emit('error', error) })
    return this
  }

  /**
   * Stops accepting connections, and waits for the requests under way. Idle clients have a moment for a last request. The
   * callback gets ERR_SERVER_NOT_RUNNING if the server did not listen.
   */
  override close (callback?: (error?: Error) => void): this {
    const runs = this.#state === 'opening' || this.#state === 'listening'
    this.#closed ??= this.#shut()
    if (callback !== undefined) {
      const error = runs ? undefined : Object.assign(new Error('Server is not running.'), { code: 'ERR_SERVER_NOT_RUNNING' })
      this.#closed.then(() => { process.nextTick(callback, error) })
    }
    return this
  }

  override closeIdleConnections (): void {
    this.clientConnections.retireIdle()
  }

  override closeAllConnections (): void {
    this.clientConnections.cutAll()
  }

  /**
   * The most connections at the same time: the option of the plugin, or what the app sets here. Open connections stay.
   * @internal
   */
  // @ts-expect-error net.Server declares a property, which it obeys only if it accepts connections itself.
  override get maxConnections (): number {
    return this.#maxConnections ?? this.#limits.connections
  }

  /**
   * @throws FST_ENDPOINT_MAX_CONNECTIONS
   * @internal
   */
  override set maxConnections (limit: number | null | undefined) {
    const isLimit = (Number.isInteger(limit) || limit === Infinity) && (limit as number) >= 0
    if (limit !== undefined && limit !== null && !isLimit) throw new errors.FST_ENDPOINT_MAX_CONNECTIONS()
    this.#maxConnections = limit ?? undefined
    this.#applyLimits()
  }

  #applyLimits (): void {
    this.clientConnections.limit({ ...this.#limits, connections: Math.min(this.maxConnections, descriptors.forConnections) })
  }

  /** @throws FST_ENDPOINT_SERVER_METHOD: the credentials come from files */
  setSecureContext (): never {
    throw replacedMethod('setSecureContext', this.#listeners)
  }

  /** @throws FST_ENDPOINT_SERVER_METHOD: names come from the folder of `sni` */
  addContext (): never {
    throw replacedMethod('addContext', this.#listeners)
  }

  /** @throws FST_ENDPOINT_SERVER_METHOD: the keys change with the rules */
  setTicketKeys (): never {
    throw replacedMethod('setTicketKeys', this.#listeners)
  }

  /** @throws FST_ENDPOINT_SERVER_METHOD: the keys change with the rules */
  getTicketKeys (): never {
    throw replacedMethod('getTicketKeys', this.#listeners)
  }

  override getConnections (callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.clientConnections.size)
    return this
  }

  override ref (): this {
    this.#unref = false
    for (const listener of this.#listeners) listener.ref()
    return this
  }

  override unref (): this {
    this.#unref = true
    for (const listener of this.#listeners) listener.unref()
    return this
  }

  /**
   * Notes requests and upgrades on their way to the app. A listener cannot do that, since one for `upgrade` would
   * change how Node answers. Listeners of the app get nothing from a client that is about to be cut.
   */
  override emit (event: any, ...args: any[]): boolean { // the signature of EventEmitter
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation': {
        const [request, response] = args as [IncomingMessage, ServerResponse]
        const connection = Connection.ofRequest(request)
        connection?.beginRequest(response)
        if (connection?.findRefusal() === undefined) {
          if (this.#challenges?.handle(request, response, () => { super.emit(event, ...args) }) === true) return true
          break
        }
        // The hook answers it.
        this.#handler(request, response)
        return true
      }
      case 'upgrade':
      case 'connect':
      case 'clientError': {
        const connection = Connection.of(args[1] as Socket)
        const refusal = connection?.findRefusal()
        if (refusal !== undefined) {
          connection?.refuse(refusal)
          return true
        }
        if (event !== 'clientError') connection?.upgrade()
      }
    }
    return super.emit(event, ...args)
  }

  /** Hands a socket that has passed all layers to HTTP. @internal */
  feed (socket: Socket): void {
    // HTTP/1 would set `server` itself.
    const { alpnProtocol, encrypted } = Object.assign(socket as TLSSocket, { server: this })
    if (alpnProtocol === 'h2') {
      this.#http2.feed(socket)
      for (const listener of this.rawListeners('connection')) if (!this.#http1.has(listener)) listener.call(this, socket)
    } else super.emit('connection', socket)
    // As with tls.Server, HTTP has the socket by then.
    if (encrypted) super.emit('secureConnection', socket)
  }

  /** A handshake failed or was refused. @internal */
  handshakeFailed (socket: ClientSocket, errorOf: () => Error): void {
    if (this.listenerCount('tlsClientError') === 0) return
    super.emit('tlsClientError', errorOf(), Object.assign(socket, { server: this }))
  }

  /** @internal */
  get keylog (): ((line: Buffer, socket: ClientSocket) => void) | undefined {
    return this.listenerCount('keylog') === 0 ? undefined : (line, socket) => { super.emit('keylog', line, socket) }
  }

  async #open (): Promise<void> {
    if (this.#listeners.length === 0) throw new errors.FST_ENDPOINT_NOT_REGISTERED()
    this.#state = 'opening'
    const results = await Promise.allSettled(this.#listeners.map((listener) => listener.open(this, this.#sockets)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined || this.#state !== 'opening') {
      await this.#undoOpen()
      if (failed === undefined) throw new errors.FST_ENDPOINT_CLOSED()
      throw explainAddressInUse(failed.reason, this.#listeners[results.indexOf(failed)] as Listener, this.#listeners)
    }
    if (this.#challenges !== undefined) await this.#certified()
    this.#state = 'listening'
    if (this.#unref) this.unref()
    if (this.#log === undefined) return
    logOtherAddresses(this.#listeners, this.#log)
    warnInTheClear(this.#listeners, this.#log)
  }

  async #undoOpen (): Promise<void> {
    const closed = this.#listeners.map((listener) => listener.close())
    this.clientConnections.cutAll()
    await Promise.all(closed)
    if (this.#state === 'opening') this.#state = 'new'
  }

  /** Begins to order certificates, and waits for the first ones if the endpoints say so. */
  async #certified (): Promise<void> {
    try {
      await Promise.all(this.#listeners.map((listener) => listener.certified()))
    } catch (thrown) {
      await this.#undoOpen()
      throw thrown
    }
    if (this.#state === 'opening') return
    await this.#undoOpen()
    throw new errors.FST_ENDPOINT_CLOSED()
  }

  /** Runs after `listening`, when http.Server begins to check its connections. */
  #begin (): void {
    for (const listener of this.#listeners) listener.begin()
    const spent = this.#listeners.map((listener) => listener.spent)
    if (!spent.includes(undefined)) Promise.all(spent).then(this.#onSpent)
  }

  async #shut (): Promise<void> {
    const isWaiting = this.#state === 'opening'
    this.#state = 'closing'
    if (isWaiting) for (const { tls } of this.#listeners) tls?.stopOrders()
    await this.#opened
    const closed = this.#listeners.map((listener) => listener.close())
    const watched = watchClosing(this.clientConnections, this.#closeTimeout, this.#log)
    await this.clientConnections.drain()
    watched.end()
    await Promise.all(closed)
    await Promise.all(this.#listeners.map((listener) => listener.dispose()))
    this.#releaseDescriptors()
    this.#state = 'closed'
    // Stops http.Server's checks for slow peers and emits `close`. There is no handle to close.
    await new Promise<void>((resolve) => { super.close(() => resolve()) })
  }
}

/** The argument of Node's event `drop`. */
function addressesOf ({ localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }: Socket): object {
  return { localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily }
}

/**
 * Creates the server of an app: `Fastify({ serverFactory })`. It does no I/O: the plugin decides what to open, and
 * `listen()` opens it.
 *
 * @param handler Fastify's request handler
 * @param options Fastify's own options object
 * @throws FST_ENDPOINT_SERVER_OPTION if `https` holds more than `allowHTTP1`
 */
export function serverFactory<S extends RawServerBase = Server> (
  handler: (...args: any[]) => void, // as Fastify types it, for every kind of server
  options: object
): S {
  const server = new EndpointServer(handler as RequestListener, options as FastifyServerOptions & EngineOptions)
  guardHandlers(server, options)
  Object.defineProperty(options, 'https', { configurable: true, enumerable: true, get: () => server.secure })
  // The engine serves HTTP/1 and HTTP/2; the app chooses the type of its server.
  return server as unknown as S
}
