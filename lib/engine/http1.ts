/**
 * What a connection needs to know of its protocol, and how HTTP/1 does it. HTTP/2 is in http2.ts.
 */
import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { LONG_PATIENCE, type Blocked } from './stalled-peers.js'

export interface Conversation {
  /** Whether there was a request: a peer that has only connected may be about to send one. */
  readonly hasBegun: boolean
  /** No request is under way. */
  readonly idle: boolean
  /** The protocol has ended by itself, and no longer reads the socket. */
  readonly over: boolean
  /** Bytes that the protocol holds back because the peer opens no window for them. */
  readonly unsent: number
  /** Milliseconds for which a peer may leave waiting data unread. */
  readonly patience: number
  /** The socket has left HTTP, for a WebSocket or a tunnel. */
  readonly upgraded: boolean
  /** Streams that wait while others move; undefined for HTTP/1, which has one stream. */
  readonly blocked?: Blocked
  /** The requests, streams and sockets that the app is reading from the peer. */
  readonly incoming: Iterable<Readable>
  /** The app gets a request; HTTP/1 passes its response. */
  begin (response?: ServerResponse): void
  /** The socket leaves HTTP. */
  upgrade (): void
  /** A stream has closed; only HTTP/2 has any. */
  endStream? (stream: ServerHttp2Stream): void
  /** Called from time to time: releases the memory that an idle connection does not need. */
  rest (): void
  /**
   * Closes the connection as soon as no request is under way.
   * @param onUntold called instead, at the end of the last request, if it is too late to announce the close to the peer
   */
  retire (onUntold?: () => void): void
  /** Ends the protocol and the connection now. */
  cut (): void
  /** The connection has closed. */
  closed? (): void
}

/** The connection of a conversation. */
interface Ends {
  readonly raw: Socket
  /** What HTTP reads from; undefined until all layers are passed. */
  readonly socket: Socket | undefined
}

export class Http1Conversation implements Conversation {
  readonly #ends: Ends
  /** The latest response, until `rest` finds that it has ended; HTTP/1 ends them in order. */
  #response: ServerResponse | undefined
  #hasBegun = false
  #upgraded = false

  constructor (ends: Ends) {
    this.#ends = ends
  }

  begin (response?: ServerResponse): void {
    this.#response = response ?? this.#response
    this.#hasBegun = true
    latest?.rest()
    latest = this
  }

  upgrade (): void {
    this.#upgraded = true
  }

  /** A response and its request take as much memory as their connection, so an idle one does not keep them. */
  rest (): void {
    if (this.#response !== undefined && hasEnded(this.#response)) this.#response = undefined
  }

  /** HTTP/1 always reads its socket, or waits for the peer to read data. */
  get over (): boolean {
    return false
  }

  /** HTTP/1 holds nothing back: all of its data is with the socket. */
  get unsent (): number {
    return 0
  }

  get patience (): number {
    return LONG_PATIENCE
  }

  get upgraded (): boolean {
    return this.#upgraded
  }

  get hasBegun (): boolean {
    return this.#upgraded || this.#hasBegun
  }

  get idle (): boolean {
    return !this.#upgraded && (this.#response === undefined || hasEnded(this.#response))
  }

  get incoming (): readonly Readable[] {
    const { socket } = this.#ends
    if (this.#upgraded) return socket === undefined ? [] : [socket]
    return this.#response === undefined || this.#response.req.complete ? [] : [this.#response.req]
  }

  retire (onUntold = () => this.cut()): void {
    if (this.idle) return this.cut()
    if (this.#upgraded) return
    const response = this.#response as ServerResponse
    if (response.headersSent) {
      response.once('close', onUntold)
    } else {
      response.setHeader('connection', 'close')
      response.once('close', () => { this.#ends.socket?.destroySoon() })
    }
  }

  cut (): void {
    this.#ends.socket?.destroy()
    this.#ends.raw.destroy()
  }

  /**
   * Node keeps the last socket of an idle parser, and the socket its connection. A request that stayed with it would be copied by
   * the garbage collector again and again.
   */
  closed (): void {
    this.#response = undefined
    if (latest === this) latest = undefined
  }
}

/**
 * The conversation with the latest request of the process. Its response has mostly ended when the next one begins, and is released then.
 * If all of them stayed until the next check, V8 would move them to its old generation, where they leave gaps: 2 kB for each idle
 * connection. An immediate would be sooner, but takes 7 % of a connection.
 */
let latest: Http1Conversation | undefined

function hasEnded ({ closed, destroyed }: ServerResponse): boolean {
  return closed || destroyed
}
