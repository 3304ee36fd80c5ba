/**
 * The HTTP/2 half of the engine: an http2 server that never listens, and gets the sockets that negotiated h2, whatever
 * Fastify's option http2 says. Fastify distinguishes requests by version.
 *
 * Node's defaults protect against rapid reset and floods of frames. For streams and header lists, Node has no limit, or
 * a much higher one than for HTTP/1.
 */
import {
  constants, createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type IncomingHttpHeaders,
  type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions
} from 'node:http2'
import type { Socket } from 'node:net'
import { BlockedStreams } from './blocked-streams.js'
import { Connection } from './connection.js'
import type { Conversation } from './http1.js'
import { type Blocked, LONG_PATIENCE } from './stalled-peers.js'
import { handleOfSession, type SessionHandle } from '../tls/undocumented.js'

export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

interface SessionListener {
  begun (session: ServerHttp2Session): void
  failed (error: Error, session: ServerHttp2Session): void
}

/** Streams that a client may have open at the same time (RFC 9113 section 6.5.2 recommends at least 100). */
const MOST_STREAMS = 100

/** Bytes of a header list, plus 32 per field: what Node allows for the head of HTTP/1. */
const MOST_HEADERS = 16_384

export class Http2Engine {
  readonly #server: Http2Server
  readonly #reading = new Reading()

  /**
   * @param handler Fastify's
   * @param options of http2.createServer, from the app; they replace ours
   * @param idleTimeout milliseconds after which a session without traffic is closed (Fastify's http2SessionTimeout)
   * @param sessions gets each session, and each error in one, for example of a client that breaks the protocol
   */
  constructor (handler: Http2Handler, options: ServerOptions, idleTimeout: number, sessions: SessionListener) {
    const settings = { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: MOST_HEADERS, ...options.settings }
    this.#server = createServer({ ...options, settings }, handler)
    this.#server.on('session', (session) => {
      attach(session, idleTimeout, this.#reading)
      sessions.begun(session)
    })
    this.#server.on('sessionError', (error, session) => { sessions.failed(error, session) })
  }

  feed (socket: Socket): void {
    this.#server.emit('connection', socket)
  }
}

/** Whether a session may be reading: nghttp2 calls into JavaScript in the middle of it. One for all, since most turns read few. */
class Reading {
  #isNow = false

  get isNow (): boolean {
    return this.#isNow
  }

  /** A session reads; in the next turn it no longer does. */
  note (): void {
    if (this.#isNow) return
    this.#isNow = true
    setImmediate(() => { this.#isNow = false })
  }
}

/** The conversation of a session. */
const kConversation = Symbol('fastify-endpoint.http2')

type Session = ServerHttp2Session & { [kConversation]?: Http2Conversation }

/** Connects a session with its connection: how the session ends, and what it is doing. */
function attach (session: Session, idleTimeout: number, reading: Reading): void {
  const connection = Connection.of(session.socket)
  if (connection === undefined) return session.destroy()
  const conversation = new Http2Conversation(session, connection, idleTimeout, reading)
  session[kConversation] = conversation
  session.destroy = destroyLater
  session.emit = emitChecked
  session.setTimeout(idleTimeout, endIdle)
  connection.useSession(conversation)
}

// All sessions share these functions: closures for each took 5 % of a session with one request.

/**
 * Node 22 aborts the process if a session is destroyed while it reads and a request with a body follows. Node itself
 * does so at a GOAWAY with an error, and an app may. So the session is destroyed in a turn of its own.
 */
function destroyLater (this: Session, ...reason: Parameters<ServerHttp2Session['destroy']>): void {
  setImmediate(() => { this[kConversation]?.destroy(...reason) })
}

function emitChecked (this: Session, event: string | symbol, ...args: unknown[]): boolean {
  return (this[kConversation] as Http2Conversation).emit(event, args)
}

function endIdle (this: Session): void {
  this[kConversation]?.endIdle()
}

function endStream (this: ServerHttp2Stream): void {
  Connection.of(this)?.endStream(this)
}

/** What one session is doing. */
class Http2Conversation implements Conversation, Blocked {
  readonly #session: Session
  readonly #connection: Connection
  readonly #idleTimeout: number
  readonly #reading: Reading
  /** Node's own methods. */
  readonly #destroy: ServerHttp2Session['destroy']
  readonly #emit: ServerHttp2Session['emit']
  /** Node's own listeners for its streams. */
  readonly #own: readonly Function[]
  /** Open streams, with the methods of their requests. */
  readonly #streams = new Map<ServerHttp2Stream, string | undefined>()
  /** There while any stream waits. */
  #blocked: BlockedStreams | undefined
  #handle: SessionHandle | undefined
  #hasBegun = false
  #isRetiring = false

  constructor (session: ServerHttp2Session, connection: Connection, idleTimeout: number, reading: Reading) {
    this.#session = session
    this.#connection = connection
    this.#idleTimeout = idleTimeout
    this.#reading = reading
    this.#destroy = session.destroy
    this.#emit = session.emit
    this.#own = session.rawListeners('stream')
  }

  /** Node's `destroy`, at once. */
  destroy (...reason: Parameters<ServerHttp2Session['destroy']>): void {
    this.#destroy.apply(this.#session, reason)
  }

  /** Called for each event of the session, before any listener. */
  emit (event: string | symbol, args: unknown[]): boolean {
    if (event === 'stream' && this.#begin(...args as [ServerHttp2Stream, IncomingHttpHeaders])) {
      // The hook answers a client that is about to be cut. The app may listen to the session, and must not get the stream.
      for (const listener of this.#own) listener.apply(this.#session, args)
      return true
    }
    if (event === 'goaway') this.#retire()
    return this.#emit.call(this.#session, event, ...args)
  }

  /** @returns whether the client is refused */
  #begin (stream: ServerHttp2Stream, { ':method': method }: IncomingHttpHeaders): boolean {
    const connection = this.#connection
    this.#reading.note()
    this.#streams.set(stream, method)
    this.#hasBegun = true
    connection.attachTo(stream)
    connection.beginRequest()
    stream.on('close', endStream)
    if (connection.findRefusal() === undefined) return false
    connection.guardReadable(stream)
    return true
  }

  endStream (stream: ServerHttp2Stream): void {
    this.#reading.note()
    this.#blocked?.end(stream, this.#streams.get(stream))
    this.#streams.delete(stream)
    if (this.#isRetiring && this.#streams.size === 0) this.#connection.closeSoon()
  }

  /** There was no traffic for the allowed time. */
  endIdle (): void {
    this.#retire()
    // A client that has not sent all of a request gets the same time again. One that waits for a response may go on waiting.
    const timer = setTimeout(() => { if (owesRequest(this.#streams.keys())) this.#connection.cut() }, this.#idleTimeout).unref()
    this.#connection.raw.once('close', () => clearTimeout(timer))
  }

  /**
   * A closed session ends only its side of the socket, and closes when the peer has ended the other side. So the connection
   * limits that time once the last stream has ended.
   */
  #retire (): void {
    if (this.#isRetiring) return
    this.#isRetiring = true
    this.#session.close()
    if (this.#streams.size === 0) this.#connection.closeSoon()
  }

  begin (): void {}

  upgrade (): void {}

  rest (): void {}

  get upgraded (): boolean {
    return false
  }

  get patience (): number {
    return this.#idleTimeout > 0 ? this.#idleTimeout : LONG_PATIENCE
  }

  get hasBegun (): boolean {
    return this.#hasBegun
  }

  get idle (): boolean {
    return this.#streams.size === 0
  }

  /** Asked at the first check: to find the handle takes longer than a request, and most new sessions end before. */
  get over (): boolean {
    if (this.#session.destroyed) return true
    this.#handle ??= handleOfSession(this.#session)
    return this.#handle?.hasPendingData() === false
  }

  get unsent (): number {
    let bytes = 0
    for (const { writableLength } of this.#streams.keys()) bytes += writableLength
    return bytes
  }

  /** Requests that are complete need no guard. */
  get incoming (): ServerHttp2Stream[] {
    return [...this.#streams.keys()].filter(({ endAfterHeaders }) => !endAfterHeaders)
  }

  get blocked (): Blocked {
    return this
  }

  look (moved: number, now: number): void {
    if (this.unsent === 0) {
      this.#blocked = undefined
      return
    }
    this.#blocked ??= new BlockedStreams()
    this.#blocked.look(this.#streams.keys(), moved, now)
  }

  bytesBlockedFor (milliseconds: number, now: number): number {
    return this.#blocked?.bytesBlockedFor(milliseconds, now) ?? 0
  }

  endAfter (milliseconds: number, now: number): number {
    const ended = this.#blocked?.blockedFor(milliseconds, now) ?? []
    // The session stays open for the streams that the client reads.
    for (const stream of ended) stream.close(constants.NGHTTP2_CANCEL)
    return ended.length
  }

  /** GOAWAY names the last stream, so it must not be sent while more streams are being read. */
  retire (): void {
    if (this.#reading.isNow) setImmediate(() => { this.#retire() })
    else this.#retire()
  }

  /** Sends GOAWAY. If only the socket were destroyed, the client would wait. */
  cut (): void {
    if (this.#reading.isNow) this.#session.destroy()
    else this.destroy()
    this.#connection.closeSoon()
  }
}

function owesRequest (streams: Iterable<ServerHttp2Stream>): boolean {
  for (const stream of streams) if (!stream.endAfterHeaders && !stream.readableEnded && stream.state.remoteClose !== 1) return true
  return false
}
