/**
 * How the protocol on a connection ends it: what HTTP/1 does. HTTP/2 has its own way, in http2.ts.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { LONG_PATIENCE, type Blocked } from './stalled-peers.js'

export interface Conversation {
  /** Something was asked for: a peer that has only connected may just be about to. */
  readonly begun: boolean
  /** Nothing is under way. */
  readonly idle: boolean
  /** It has ended by itself, and nobody reads the socket any more. */
  readonly over: boolean
  /** Bytes that it holds back, since the peer gives it no room for them. */
  readonly unsent: number
  /** Milliseconds that a peer may take nothing of what waits for it. */
  readonly patience: number
  /** It has left HTTP, for a WebSocket or a tunnel. */
  readonly upgraded: boolean
  /** What of it waits although other things move; not with HTTP/1, where all waits in one line. */
  readonly blocked?: Blocked
  /** What the app reads of the peer by now. */
  readonly incoming: Iterable<Readable>
  /** A request is handed to the app; of HTTP/1 with its response. */
  begin (response?: ServerResponse): void
  /** The socket leaves HTTP. */
  upgrade (): void
  /**
   * Ends it when nothing is under way any more.
   * @param onUntold called in the place of that, at the end of what is under way, where it is too late to
   *   tell the peer that nothing may come behind it
   */
  retire (onUntold?: () => void): void
  /** Ends it now, and the connection with it. */
  cut (): void
}

export class Http1Conversation implements Conversation {
  /** Its sockets are read, or wait for the peer to take something. */
  readonly over = false
  /** All that it has is with the socket. */
  readonly unsent = 0
  readonly patience = LONG_PATIENCE
  readonly #raw: Socket
  readonly #socket: () => Socket | undefined
  /** The response that was begun last; HTTP/1 ends them in order. */
  #response: ServerResponse | undefined
  #upgraded = false

  constructor (raw: Socket, socket: () => Socket | undefined) {
    this.#raw = raw
    this.#socket = socket
  }

  begin (response?: ServerResponse): void {
    this.#response = response ?? this.#response
  }

  upgrade (): void {
    this.#upgraded = true
  }

  get upgraded (): boolean {
    return this.#upgraded
  }

  get begun (): boolean {
    return this.#upgraded || this.#response !== undefined
  }

  get idle (): boolean {
    return !this.#upgraded && (this.#response === undefined || this.#response.closed || this.#response.destroyed)
  }

  get incoming (): readonly Readable[] {
    const socket = this.#socket()
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
      response.once('close', () => { this.#socket()?.destroySoon() })
    }
  }

  cut (): void {
    this.#socket()?.destroy()
    this.#raw.destroy()
  }
}
