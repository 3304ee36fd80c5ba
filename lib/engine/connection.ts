/**
 * One connection of a server, from the moment the kernel hands it over: who its client is, what it may, and how it ends.
 */
import type { Socket } from 'node:net'
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { X509Certificate } from 'node:crypto'
import { Http1Conversation, type Conversation } from './http1.js'
import type { HandshakeQueue } from './handshake-queue.js'
import { showClient } from '../proxy-protocol/client-addresses.js'
import { Progress, type Blocked, type StallEnd, type Stalling } from './stalled-peers.js'
import { trafficOf } from '../tls/undocumented.js'
import type { ConnectionLimit } from '../events/capacity-log.js'
import type { Gate } from '../tls/gate.js'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import type { Admission, Refusal } from '../tls/verdict.js'

/** How many connections are in their handshake, have left HTTP for a WebSocket or a tunnel, are in a request, or in nothing. */
export interface ConnectionCounts {
  handshakes: number
  upgraded: number
  requests: number
  idle: number
}

/** Where a connection hangs on its socket. A symbol, since HTTP/2 shows a proxy of the socket, which a WeakMap would not know. */
const kConnection = Symbol('fastify-endpoint.connection')

type SocketWithConnection = Socket & { [kConnection]?: Connection }

const WITHOUT_VERDICT: Refusal = { admitted: false, reason: 'internal_error', detail: 'the connection has no verdict', certificate: undefined }

/** What a connection came by: a listener. */
export interface Origin {
  /** Called when a connection to it is closed, or not taken, because of a bound. */
  reject (bound: ConnectionLimit): void
  /** Called when peers that take nothing, or streams of them, are ended. */
  endStalled (why: StallEnd, count: number): void
}

/** One connection, from accept to close. */
export class Connection implements Stalling {
  readonly raw: Socket
  readonly progress = new Progress()
  /** The gate that it must pass; undefined where there is no TLS. */
  readonly gate: Gate | undefined
  /** What it came by. */
  readonly origin: Origin | undefined
  readonly #handshakes: HandshakeQueue<Connection>
  /** What HTTP reads from: set once the layers are through. */
  #socket: SocketWithConnection | undefined
  #remoteAddress: string | undefined
  #proxyProtocol: ProxyProtocol | undefined
  #admission: Admission | undefined
  /** Told once, if the admission is withdrawn. */
  #onRefused: (refusal: Refusal) => void = () => {}
  #refusal: 'none' | 'due' | 'done' = 'none'
  /** The generation of the gate that the admission was last held against. */
  #generation = 0
  /** How HTTP/1 ends it, until a session of HTTP/2 takes it over. */
  #conversation: Conversation
  #guarded: WeakSet<Readable> | undefined
  /** It is about to end. */
  #retired = false
  /** It is gone after a moment. */
  #leaves = false

  constructor (raw: Socket, gate: Gate | undefined, origin: Origin | undefined, handshakes: HandshakeQueue<Connection>) {
    this.raw = raw
    this.gate = gate
    this.origin = origin
    this.#handshakes = handshakes
    this.#conversation = new Http1Conversation(raw, () => this.#socket)
  }

  static of (socket: Socket): Connection | undefined {
    return (socket as SocketWithConnection)[kConnection]
  }

  /**
   * Of the client that the proxy relays, if there is a proxy. The kernel is asked when somebody first wants to
   * know; then, and so after every handshake, it is known here also when the socket is gone.
   */
  get remoteAddress (): string | undefined {
    this.#remoteAddress ??= this.raw.remoteAddress
    return this.#remoteAddress
  }

  /** What the proxy has said of the connection; undefined without one. */
  get proxyProtocol (): ProxyProtocol | undefined {
    return this.#proxyProtocol
  }

  /** A proxy has said whose connection this is. */
  setProxyHeader (header: ProxyProtocol): void {
    this.#proxyProtocol = header
    showClient(this.raw, header)
    this.#remoteAddress = this.raw.remoteAddress ?? this.#remoteAddress
    this.#handshakes.move(this)
  }

  /**
   * The layers are through. `admission` is there if and only if the endpoint speaks TLS.
   * @param onRefused called if the connection is refused after all, when it is cut; it does not throw
   */
  establish (socket: Socket | TLSSocket, admission?: Admission, onRefused: (refusal: Refusal) => void = () => {}): void {
    this.#socket = socket
    this.#socket[kConnection] = this
    // A TLSSocket asks the kernel, not the socket below it.
    if (this.#proxyProtocol !== undefined && socket !== this.raw) showClient(socket, this.#proxyProtocol)
    this.#admission = admission
    this.#onRefused = onRefused
    this.#handshakes.delete(this)
    if (admission !== undefined) this.#generation = this.gate?.generation ?? 0
  }

  /** What HTTP reads from and writes to, once it has it. */
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

  /** Whether HTTP has got its socket. */
  get established (): boolean {
    return this.#socket !== undefined
  }

  get certificate (): X509Certificate | undefined {
    return this.#admission?.certificate
  }

  /** When the admission ends by itself, in milliseconds since 1970. */
  get deadline (): number {
    return this.#admission?.deadline ?? Infinity
  }

  /**
   * What speaks against this connection under the rules in force: a comparison and a look at the clock
   * while nothing has changed, a lookup after that. Of the clock, because the timer that cuts who has
   * expired may come late: a turn of the event loop that takes long serves who came meanwhile before it.
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

  /** A request of HTTP/2 knows its connection by its stream when the session is gone. */
  attachTo (stream: object): void {
    (stream as SocketWithConnection)[kConnection] = this
  }

  /** A session of HTTP/2 has taken the socket. */
  useSession (conversation: Conversation): void {
    this.#conversation = conversation
  }

  /** A request is handed to the app; of HTTP/1 with its response. */
  beginRequest (response?: ServerResponse): void {
    this.#conversation.begin(response)
    if (this.#retired) this.#conversation.retire()
  }

  /** The socket has left HTTP, for a WebSocket or a tunnel. */
  upgrade (): void {
    this.#conversation.upgrade()
  }

  /**
   * Lets nothing that the client sends from now on reach the app without a look at it. No hook looks within a request or
   * after an upgrade, and after a swap it may take several turns of the event loop until a connection is cut.
   */
  guard (): void {
    for (const readable of this.#conversation.incoming) this.guardReadable(readable)
  }

  /**
   * The same for one request, stream or socket. Also its end is kept from the app, which would take what it has for the whole,
   * and trailers.
   */
  guardReadable (readable: Readable): void {
    if (this.#guarded?.has(readable) === true) return
    this.#guarded = (this.#guarded ?? new WeakSet()).add(readable)
    const { push, emit } = readable
    readable.push = (chunk: unknown, encoding?: BufferEncoding) => !this.#refuseSoon() && push.call(readable, chunk, encoding)
    readable.emit = (event: string | symbol, ...args: unknown[]) => !(event === 'trailers' && this.#refuseSoon()) && emit.call(readable, event, ...args)
  }

  /**
   * Refuses the client if it is not admitted any more: in a turn of its own, since Node 22 aborts where a session of
   * HTTP/2 ends in the midst of what it reads.
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

  /** Neither in a request nor upgraded: also a peer that has not finished its handshake, or its first request. */
  get idle (): boolean {
    return this.#conversation.idle
  }

  /** What it is there for. */
  get activity (): keyof ConnectionCounts {
    if (!this.established) return 'handshakes'
    if (this.#conversation.upgraded) return 'upgraded'
    return this.idle ? 'idle' : 'requests'
  }

  /** Whether anything was asked for on it. */
  get hasBegun (): boolean {
    return this.#conversation.begun
  }

  /**
   * Ends as soon as what is under way has left, and that is also what the peer has sent and nobody has
   * read: closed over it, the kernel answers with a reset, and a request is lost that came in time. So who
   * has asked for nothing, or for nothing more yet, or is in its handshake, has a moment to do so: a busy
   * client sends its next request as soon as it has the last answer, and cannot know that it is too late.
   */
  retire (): void {
    if (this.#retired) return
    this.#retired = true
    if (this.idle) this.#awaitLast()
    else this.#conversation.retire(() => this.#awaitLast())
  }

  #awaitLast (): void {
    // Also an event loop that was held for so long reads once more.
    const timer = setTimeout(() => afterReading(() => this.#end()), LAST_REQUEST_TIME)
    this.raw.once('close', () => clearTimeout(timer))
  }

  /** Ends who has asked for nothing more; what was begun meanwhile ends by itself. */
  #end (): void {
    if (!this.established) this.cut()
    else if (this.idle) this.#conversation.retire()
  }

  /** Whether it was cut because its admission is withdrawn; it may take a moment to be gone. */
  get refused (): boolean {
    return this.#refusal === 'done'
  }

  /** Cuts it because its admission is withdrawn, and tells of that once. */
  refuse (refusal: Refusal): void {
    this.cut()
    if (this.#refusal === 'done') return
    this.#refusal = 'done'
    this.#onRefused(refusal)
  }

  /** Ends now, whatever is under way. */
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

  /** Ends it where its conversation is over, as soon as what it had to say has left. */
  closeIfEnded (): void {
    if (!this.#leaves && this.hasEnded && trafficOf(this.raw, this.#socket)?.queued === 0) this.closeSoon(GOAWAY_TIME - CHECK_INTERVAL)
  }

  /**
   * What HTTP/2 says at the end takes a turn of the event loop, and Node then waits for the peer to close.
   * Nobody may keep it open for longer than this.
   */
  closeSoon (time = GOAWAY_TIME): void {
    if (this.#leaves) return
    this.#leaves = true
    const timer = setTimeout(() => this.raw.destroy(), time)
    this.raw.once('close', () => clearTimeout(timer))
  }
}

/** Milliseconds that a client of HTTP/2 has for taking its GOAWAY. */
const GOAWAY_TIME = 300

/** Milliseconds that who is connected when the server closes has for its handshake and a last request. */
const LAST_REQUEST_TIME = 250

/** Calls back when the event loop has read, once, what is there: whatever it did when this was called, it has polled between two checks. */
function afterReading (callback: () => void): void {
  setImmediate(() => setImmediate(callback))
}

/** Milliseconds between two looks for sessions of HTTP/2 that have ended by themselves. */
export const CHECK_INTERVAL = 200
