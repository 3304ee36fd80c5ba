/**
 * One connection of a server, from the accept on: its client, whether the client is admitted, and how the connection
 * ends.
 */
import type { Socket } from 'node:net'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import { Http1Conversation, type Conversation } from './http1.js'
import type { HandshakeQueue, PendingHandshake } from './handshake-queue.js'
import type { Link } from './linked-list.js'
import { showClient } from '../proxy-protocol/client-addresses.js'
import type { Blocked, Progress, StallEnd, Stalling } from './stalled-peers.js'
import { queuedFor } from '../tls/undocumented.js'
import type { ConnectionLimit } from '../events/capacity-log.js'
import type { Gate } from '../tls/gate.js'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import type { Admission, Refusal } from '../tls/verdict.js'

/** Connections by activity: in their handshake, upgraded to a WebSocket or tunnel, in a request, or idle. */
export interface ConnectionCounts {
  handshakes: number
  upgraded: number
  requests: number
  idle: number
}

/** The connection of a socket. A symbol, since HTTP/2 shows a proxy of the socket, which a WeakMap would not find. */
const kConnection = Symbol('fastify-endpoint.connection')

type SocketWithConnection = Socket & { [kConnection]?: Connection }

const WITHOUT_VERDICT: Refusal = {
  admitted: false,
  reason: 'internal_error',
  detail: 'the connection has no verdict',
  certificate: undefined
}

/** Where a connection comes from: a listener. */
export interface Origin {
  /** A connection was closed because of a limit. */
  reject (limit: ConnectionLimit): void
  /** Connections, or streams, were closed because the peer reads no data. */
  endStalled (why: StallEnd, count: number): void
}

/** One connection, from accept to close. */
export class Connection implements Stalling, PendingHandshake {
  readonly raw: Socket
  progress: Progress | undefined
  /** Judges its client; undefined without TLS. */
  readonly gate: Gate | undefined
  /** The listener. */
  readonly origin: Origin | undefined
  /** Its place among the open connections. */
  place: Link<Connection> | undefined
  pending: PendingHandshake['pending']
  readonly #handshakes: HandshakeQueue<Connection>
  readonly #onClosed: (connection: Connection) => void
  /** What HTTP reads from; undefined until all layers are passed. */
  #socket: SocketWithConnection | undefined
  #remoteAddress: string | undefined
  #proxyProtocol: ProxyProtocol | undefined
  #admission: Admission | undefined
  /** Called once, if the admission is withdrawn. */
  #onRefused: (refusal: Refusal, connection: Connection) => void = ignore
  /** Whether the admission was withdrawn; `due`: in a later turn. */
  #refusal: 'none' | 'due' | 'done' = 'none'
  /** The generation of the gate that last confirmed the admission. */
  #generation = 0
  /** HTTP/1, until a session of HTTP/2 replaces it. */
  #conversation: Conversation
  #guarded: WeakSet<Readable> | undefined
  /** Whether the connection ends after the current request. */
  #retired = false
  /** Whether `closeSoon` was called. */
  #isClosing = false

  /** @param onClosed called when the raw socket has closed */
  constructor (
    raw: Socket, gate: Gate | undefined, origin: Origin | undefined, handshakes: HandshakeQueue<Connection>,
    onClosed: (connection: Connection) => void
  ) {
    this.raw = raw
    this.gate = gate
    this.origin = origin
    this.#handshakes = handshakes
    this.#onClosed = onClosed
    this.#conversation = new Http1Conversation(this)
    ;(raw as SocketWithConnection)[kConnection] = this
    // One listener for all: a closure for each would last as long as the connection.
    raw.on('close', Connection.#leave)
  }

  static #leave (this: Socket): void {
    const connection = Connection.of(this)
    if (connection === undefined) return
    connection.#onClosed(connection)
    connection.#conversation.closed?.()
  }

  static of (socket: object): Connection | undefined {
    return (socket as SocketWithConnection)[kConnection]
  }

  /** The connection of a request. HTTP/2 makes a proxy of the socket for each, which takes longer than the rest of the search. */
  static ofRequest (request: IncomingMessage | Http2ServerRequest): Connection | undefined {
    return Connection.of(request.httpVersionMajor === 2 ? (request as Http2ServerRequest).stream : request.socket)
  }

  /**
   * The client's address; behind a proxy, the one that the PROXY header names. Asks the kernel on first use, which is at
   * the handshake at the latest, and keeps it for when the socket is gone.
   */
  get remoteAddress (): string | undefined {
    this.#remoteAddress ??= this.raw.remoteAddress
    return this.#remoteAddress
  }

  /** Asks the kernel for the address now. */
  noteAddress (): void {
    this.#remoteAddress ??= this.raw.remoteAddress
  }

  /** The PROXY header; undefined without a proxy. */
  get proxyProtocol (): ProxyProtocol | undefined {
    return this.#proxyProtocol
  }

  /** Applies the PROXY header, which names the client. */
  setProxyHeader (header: ProxyProtocol): void {
    this.#proxyProtocol = header
    showClient(this.raw, header)
    this.#remoteAddress = this.raw.remoteAddress ?? this.#remoteAddress
    this.#handshakes.move(this)
  }

  /**
   * All layers are passed. `admission` is present if and only if the endpoint speaks TLS.
   * @param onRefused called if the connection is refused later, when it is cut; must not throw
   */
  establish (
    socket: Socket | TLSSocket, admission?: Admission, onRefused: (refusal: Refusal, connection: Connection) => void = ignore
  ): void {
    this.#socket = socket
    this.#socket[kConnection] = this
    // A TLSSocket asks the kernel for its addresses, and not the socket below it.
    if (this.#proxyProtocol !== undefined && socket !== this.raw) showClient(socket, this.#proxyProtocol)
    this.#admission = admission
    this.#onRefused = onRefused
    this.#handshakes.delete(this)
    if (admission !== undefined) this.#generation = this.gate?.generation ?? 0
  }

  /** What HTTP reads from and writes to; undefined until all layers are passed. */
  get socket (): Socket | undefined {
    return this.#socket
  }

  get unsent (): number {
    return this.#conversation.unsent
  }

  get patience (): number {
    return this.#conversation.patience
  }

  get blocked (): Blocked | undefined {
    return this.#conversation.blocked
  }

  /** Whether all layers are passed, and HTTP has the socket. */
  get established (): boolean {
    return this.#socket !== undefined
  }

  /** Why its client is admitted; a new object after each judgement under other rules. Undefined without TLS. */
  get admission (): Admission | undefined {
    return this.#admission
  }

  get certificate (): X509Certificate | undefined {
    return this.#admission?.certificate
  }

  /** When the admission expires, in milliseconds since 1970. */
  get deadline (): number {
    return this.#admission?.deadline ?? Infinity
  }

  /**
   * Judges the connection by the current rules. Costs a comparison and a look at the clock while nothing has changed, and a
   * lookup otherwise. The clock is needed because the timer for expired clients may be late: a long turn of the event loop
   * serves pending requests before it.
   * @returns undefined if the client is still admitted
   */
  findRefusal (): Refusal | undefined {
    if (this.gate === undefined) return undefined
    const { generation } = this.gate
    if (this.#generation === generation && !this.gate.isPast(this.deadline)) return undefined
    const verdict = this.#admission === undefined ? WITHOUT_VERDICT : this.gate.reconsider(this.#admission)
    if (!verdict.admitted) return verdict
    this.#admission = verdict
    this.#generation = generation
    return undefined
  }

  /** Lets a request of HTTP/2 find its connection by its stream, after its session has gone. */
  attachTo (stream: object): void {
    (stream as SocketWithConnection)[kConnection] = this
  }

  /** A session of HTTP/2 takes over the socket. */
  useSession (conversation: Conversation): void {
    this.#conversation = conversation
  }

  /** The app gets a request; HTTP/1 passes its response. */
  beginRequest (response?: ServerResponse): void {
    this.#conversation.begin(response)
    if (this.#retired) this.#conversation.retire()
  }

  /** The socket has left HTTP, for a WebSocket or a tunnel. */
  upgrade (): void {
    this.#conversation.upgrade()
  }

  /**
   * From now on, nothing that the client sends reaches the app without a check of its admission. Within a request and after
   * an upgrade no hook checks, and after a swap it may take several turns of the event loop until a connection is cut.
   */
  guard (): void {
    for (const readable of this.#conversation.incoming) this.guardReadable(readable)
  }

  /**
   * The same for one request, stream or socket. The end and trailers are kept from the app too: otherwise it would
   * take a truncated body for a complete one.
   */
  guardReadable (readable: Readable): void {
    if (this.#guarded?.has(readable) === true) return
    this.#guarded = (this.#guarded ?? new WeakSet()).add(readable)
    const { push, emit } = readable
    readable.push = (chunk: unknown, encoding?: BufferEncoding) => !this.#refuseSoon() && push.call(readable, chunk, encoding)
    readable.emit = (event: string | symbol, ...args: unknown[]) => {
      return !(event === 'trailers' && this.#refuseSoon()) && emit.call(readable, event, ...args)
    }
  }

  /**
   * Refuses the client if it is no longer admitted. Closes it in a turn of its own, since Node 22 aborts if a session
   * of HTTP/2 ends while it reads.
   * @returns whether it is refused
   */
  #refuseSoon (): boolean {
    const refusal = this.findRefusal()
    if (refusal === undefined) return false
    if (this.#refusal === 'none') {
      this.#refusal = 'due'
      setImmediate(() => { this.refuse(refusal) })
    }
    return true
  }

  /** Neither in a request nor upgraded. Includes peers that have not finished their handshake or their first request. */
  get idle (): boolean {
    return this.#conversation.idle
  }

  /** What the connection is doing. */
  get activity (): keyof ConnectionCounts {
    if (!this.established) return 'handshakes'
    if (this.#conversation.upgraded) return 'upgraded'
    return this.idle ? 'idle' : 'requests'
  }

  /** Whether there was a request. */
  get hasBegun (): boolean {
    return this.#conversation.hasBegun
  }

  /**
   * Closes the connection after the current request, and after reading what the peer has sent: with unread data, the kernel
   * answers a close with a reset, and a request that came in time would be lost. So an idle peer, or one in its
   * handshake, gets a moment for a last request. A busy client sends its next request as soon as it has the last answer, and
   * cannot know that the server is closing.
   */
  retire (): void {
    if (this.#retired) return
    this.#retired = true
    if (this.idle) this.#awaitLastRequest()
    else this.#conversation.retire(() => this.#awaitLastRequest())
  }

  #awaitLastRequest (): void {
    // If the event loop was blocked meanwhile, it must still read once more.
    const timer = setTimeout(() => afterReading(() => this.#closeIfIdle()), LAST_REQUEST_TIME)
    this.raw.once('close', () => clearTimeout(timer))
  }

  /** Closes the connection if there was no further request; otherwise the request closes it when it ends. */
  #closeIfIdle (): void {
    if (!this.established) this.cut()
    else if (this.idle) this.#conversation.retire()
  }

  /** Whether the admission was withdrawn and the connection cut; the socket may close a moment later. */
  get refused (): boolean {
    return this.#refusal === 'done'
  }

  /** Cuts the connection because its admission is withdrawn, and reports that once. */
  refuse (refusal: Refusal): void {
    this.cut()
    if (this.#refusal === 'done') return
    this.#refusal = 'done'
    this.#onRefused(refusal, this)
  }

  /** Closes the connection now, even during a request. */
  cut (): void {
    this.#conversation.cut()
  }

  destroyStalled (why: StallEnd): void {
    this.#conversation.cut()
    this.raw.destroy()
    this.reportStall(why, 1)
  }

  reportStall (why: StallEnd, count: number): void {
    this.origin?.endStalled(why, count)
  }

  get hasEnded (): boolean {
    return this.#conversation.over
  }

  /** A stream of HTTP/2 has closed. */
  endStream (stream: ServerHttp2Stream): void {
    this.#conversation.endStream?.(stream)
  }

  /** Releases the memory that an idle connection does not need. */
  rest (): void {
    this.#conversation.rest()
  }

  /** Closes the connection if its protocol has ended and all its data has left. */
  closeIfEnded (): void {
    if (this.#isClosing || !this.hasEnded) return
    if (queuedFor(this.raw, this.#socket) === 0) this.closeSoon(GOAWAY_TIME - CHECK_INTERVAL)
  }

  /**
   * Destroys the socket after `time`, in milliseconds. The last frames of HTTP/2 need a turn of the event loop, and then
   * Node waits for the peer to close, which may not take longer than this.
   */
  closeSoon (time = GOAWAY_TIME): void {
    if (this.#isClosing) return
    this.#isClosing = true
    const timer = setTimeout(() => this.raw.destroy(), time)
    this.raw.once('close', () => clearTimeout(timer))
  }
}

/** Milliseconds for which a client of HTTP/2 may read its GOAWAY. */
const GOAWAY_TIME = 300

/** Milliseconds for the handshake and a last request of clients that are connected when the server closes. */
const LAST_REQUEST_TIME = 250

/** Calls back when the event loop has read what has arrived: it polls between two immediates. */
function afterReading (callback: () => void): void {
  setImmediate(() => setImmediate(callback))
}

/** Milliseconds between two checks for sessions of HTTP/2 that have ended by themselves. */
export const CHECK_INTERVAL = 200

function ignore (): void {}
