/**
 * serverFactory and the EndpointServer that it makes: Fastify's HTTP engine, fed by whatever the
 * endpoint strings open.
 *
 * It is an http.Server that never listens itself. What Fastify and its plugins ask of a server
 * (`listening`, `address()`, `close()`, the timeouts) it answers for all of its listeners together.
 *
 * The way from a socket to a route:
 *
 *     ../transports                         the kernel hands over a raw socket
 *     ../layers/listener                    knows by which endpoint it came
 *     connections, handshake-queue          a place, if there is one
 *     ../layers/proxy-layer                 the PROXY header: ../proxy-protocol/receive
 *     ../layers/tls-layer                   ../tls/handshake, and the verdict of ../tls/gate
 *     connection: establish                 from here on a swap reaches it
 *     server: feed                          http1, or http2, gets the socket
 *     server: emit, refused-requests        the looks at the client before the app
 *     Fastify                               hooks, and the handler of the route
 */
import { Server, type IncomingMessage, type RequestListener, type ServerOptions, type ServerResponse } from 'node:http'
import type { ServerOptions as Http2Options } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyServerOptions, RawServerBase } from 'fastify'
import { watchClosing } from './closing.js'
import { Connection } from './connection.js'
import { Connections, type ConnectionLimits } from './connections.js'
import { descriptors } from '../descriptors.js'
import { errors } from '../errors.js'
import { Http2Engine, type Http2Handler } from './http2.js'
import { warnInTheClear } from '../layers/in-the-clear.js'
import type { Listener } from '../layers/listener.js'
import { avoidSecondaryServers, explainTaken, logIgnored, logOtherAddresses } from './listen-call.js'
import { guardHandlers } from './refused-requests.js'
import { replacedMethod } from './replaced-methods.js'
import type { ClientSocket } from '../tls/client-socket.js'
import { readWishes, refuseUnfulfilled, type ServerWishes } from './server-options.js'
import type { EndpointLog } from '../../types/log.js'

/** The options of Fastify that it applies only to servers of its own, and that we honour instead. */
interface EngineOptions {
  /** Of HTTP/1 and HTTP/2, as Fastify hands it to either. */
  http?: ServerOptions & Http2Options
  keepAliveTimeout?: number
  requestTimeout?: number
  connectionTimeout?: number
  maxRequestsPerSocket?: number | null
  http2SessionTimeout?: number
  https?: unknown
  http2?: unknown
}

/** Fastify's own default, in milliseconds. */
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
   * Whether all handlers of the app have a look at their client before them.
   * @internal
   */
  guarded = false
  readonly #handler: RequestListener
  readonly #http2: Http2Engine
  readonly #sockets: Pick<ServerOptions, 'noDelay' | 'keepAlive' | 'keepAliveInitialDelay' | 'highWaterMark'>
  #listeners: readonly Listener[] = []
  #log: EndpointLog | undefined
  #state: State = 'new'
  /** Settled when what `listen()` began is done, in whatever way. */
  #opened: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #judgesClients = false
  #unref = false
  #closeTimeout = Infinity
  readonly #wishes: ServerWishes
  #onSpent = (): void => {}
  /** What the option of the plugin says. */
  #bounds: ConnectionLimits = { connections: Infinity, handshakes: Infinity }
  /** What the app has set in the place of that. */
  #maxConnections: number | undefined
  /** HTTP/1's own, which must not get a connection of HTTP/2. */
  readonly #http1: ReadonlySet<unknown>
  /** Ends that descriptors are held back. */
  #releaseDescriptors = (): void => {}

  constructor (handler: RequestListener, options: EngineOptions = {}) {
    super(options.http ?? {}, handler)
    this.#wishes = readWishes(options)
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
   * What `listen()` will open. `onSpent` is called when no connection can come any more.
   * @param closeTimeout milliseconds that `close()` waits for connections
   * @internal
   */
  attach (listeners: readonly Listener[], log: EndpointLog, bounds: ConnectionLimits, closeTimeout: number, onSpent: () => void): void {
    if (this.#listeners.length > 0) throw new errors.FST_ENDPOINT_ALREADY_REGISTERED()
    refuseUnfulfilled(this.#wishes, listeners)
    this.#listeners = listeners
    this.#judgesClients = listeners.some(({ judgesClients }) => judgesClients)
    this.#log = log
    this.#bounds = bounds
    this.#bound()
    this.#releaseDescriptors = descriptors.holdBack(() => { this.clientConnections.freeDescriptors() })
    this.#closeTimeout = closeTimeout
    this.#onSpent = onSpent
    // http.Server would answer nothing any more to who has ended its half: the end of a file, or of a pipe.
    // It has this switch without a page about it.
    if (listeners.some(({ endpoint }) => endpoint.type === 'stdio')) Object.assign(this, { httpAllowHalfOpen: true })
  }

  /** Whether clients speak TLS to the first listener: Fastify prints `https` then. */
  get secure (): boolean {
    return this.#listeners[0]?.tls !== undefined
  }

  /** Whether clients of any listener are asked for a certificate: elsewhere there is nobody to refuse. */
  get judgesClients (): boolean {
    return this.#judgesClients
  }

  /**
   * Whether clients can connect. Left out of the declarations, since those of Node have a property here.
   * @internal
   */
  // @ts-expect-error net.Server declares a property where Node itself has a getter.
  override get listening (): boolean {
    return this.#state === 'listening'
  }

  /** Where the first listener listens: its string, if Node cannot tell, since Fastify prints what this gives. */
  override address (): AddressInfo | string | null {
    const [first] = this.#listeners
    return first?.address === null ? first.endpoint.description : first?.address ?? null
  }

  /**
   * Opens all listeners, or none. Any port, host or path is ignored: the endpoint strings decide.
   * Emits `listening`, or `error` with a coded error; where it listens already, or did before, it
   * throws one.
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
   * Stops to accept, and waits for the requests under way; who is connected and has asked for nothing, or for
   * nothing more yet, has a moment to do so. The callback gets ERR_SERVER_NOT_RUNNING where nothing listened.
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
   * How many connections there may be: the option of the plugin, or what is set here in its place. Those that are open stay.
   * @internal
   */
  // @ts-expect-error net.Server declares a property, which it heeds only where it accepts connections itself.
  override get maxConnections (): number {
    return this.#maxConnections ?? this.#bounds.connections
  }

  /**
   * @throws FST_ENDPOINT_MAX_CONNECTIONS
   * @internal
   */
  override set maxConnections (most: number | null | undefined) {
    if (most !== undefined && most !== null && !((Number.isInteger(most) || most === Infinity) && most >= 0)) throw new errors.FST_ENDPOINT_MAX_CONNECTIONS()
    this.#maxConnections = most ?? undefined
    this.#bound()
  }

  #bound (): void {
    this.clientConnections.limit({ ...this.#bounds, connections: Math.min(this.maxConnections, descriptors.forConnections) })
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
   * Sees what HTTP makes of a connection on the way to the app, without being a listener: one for `upgrade` would
   * change how Node answers. What a client sends that is about to be cut reaches no listener of the app's own.
   */
  override emit (event: any, ...args: any[]): boolean { // the signature of EventEmitter
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation': {
        const [request, response] = args as [IncomingMessage, ServerResponse]
        const connection = Connection.of(request.socket)
        connection?.beginRequest(response)
        if (connection?.findRefusal() === undefined) break
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

  /** Hands a socket that is through all layers to HTTP. @internal */
  feed (socket: Socket): void {
    // HTTP/1 sets it itself.
    const { alpnProtocol, encrypted } = Object.assign(socket as TLSSocket, { server: this })
    if (alpnProtocol === 'h2') {
      this.#http2.feed(socket)
      for (const listener of this.rawListeners('connection')) if (!this.#http1.has(listener)) listener.call(this, socket)
    } else super.emit('connection', socket)
    // As with a tls.Server, HTTP has it by then.
    if (encrypted) super.emit('secureConnection', socket)
  }

  /** Tells of a client that did not come through its handshake. @internal */
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
      const closed = this.#listeners.map((listener) => listener.close())
      this.clientConnections.cutAll()
      await Promise.all(closed)
      if (this.#state === 'opening') this.#state = 'new'
      throw failed === undefined ? new errors.FST_ENDPOINT_CLOSED() : explainTaken(failed.reason, this.#listeners[results.indexOf(failed)] as Listener, this.#listeners)
    }
    this.#state = 'listening'
    if (this.#unref) this.unref()
    if (this.#log === undefined) return
    logOtherAddresses(this.#listeners, this.#log)
    warnInTheClear(this.#listeners, this.#log)
  }

  /** After `listening`, when http.Server begins to look after its connections. */
  #begin (): void {
    for (const listener of this.#listeners) listener.begin()
    const spent = this.#listeners.map((listener) => listener.spent)
    if (!spent.includes(undefined)) Promise.all(spent).then(this.#onSpent)
  }

  async #shut (): Promise<void> {
    this.#state = 'closing'
    await this.#opened
    const closed = this.#listeners.map((listener) => listener.close())
    const watched = watchClosing(this.clientConnections, this.#closeTimeout, this.#log)
    await this.clientConnections.drain()
    watched.end()
    await Promise.all(closed)
    for (const listener of this.#listeners) listener.dispose()
    this.#releaseDescriptors()
    this.#state = 'closed'
    // Ends the checks of http.Server for slow peers and emits `close`, since it has no handle of its own.
    await new Promise<void>((resolve) => { super.close(() => resolve()) })
  }
}

/** As Node tells of a connection that there was no room for. */
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
  // The engine serves HTTP/1 and HTTP/2 alike; which server type the app was typed with is its own choice.
  return server as unknown as S
}
