/**
 * The HTTP/2 half of the engine: an http2 server that never listens, and is fed with sockets that
 * negotiated h2, whatever Fastify's own option http2 says. Fastify tells requests apart by version.
 *
 * Limits (concurrent streams, resets, settings, invalid frames) stay at Node's own values, which hold
 * against rapid reset and floods of frames.
 */
import { createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { Connection } from './connections.js'

export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

export interface SessionListener {
  begun (session: ServerHttp2Session): void
  failed (error: Error, session: ServerHttp2Session): void
}

export class Http2Engine {
  readonly #server: Http2Server

  /**
   * @param handler Fastify's
   * @param idleTimeout milliseconds after which a session without traffic is closed (Fastify's http2SessionTimeout)
   * @param sessions told of each session, and of what goes wrong in one, a client that breaks the protocol for example
   */
  constructor (handler: Http2Handler, idleTimeout: number, sessions: SessionListener) {
    this.#server = createServer(handler)
    this.#server.on('session', (session) => {
      attach(session, idleTimeout)
      sessions.begun(session)
    })
    this.#server.on('sessionError', (error, session) => { sessions.failed(error, session) })
  }

  feed (socket: Socket): void {
    this.#server.emit('connection', socket)
  }
}

/** Lets the connection end the session as HTTP/2 ends one, and tells it how many streams are open. */
function attach (session: ServerHttp2Session, idleTimeout: number): void {
  const connection = Connection.of(session.socket)
  if (connection === undefined) return session.destroy()
  let streams = 0
  let begun = false
  let leaving = false
  // A session that was closed ends its side of the socket only, and is not told to be closed before the
  // peer has ended the other: so the connection takes its leave when the last stream has.
  const leave = (): void => {
    if (leaving) return
    leaving = true
    session.close()
    if (streams === 0) connection.takeLeave()
  }
  session.on('stream', (stream) => {
    streams++
    begun = true
    connection.carry(stream)
    connection.begin()
    stream.once('close', () => {
      streams--
      if (leaving && streams === 0) connection.takeLeave()
    })
  })
  session.once('goaway', leave)
  session.setTimeout(idleTimeout, () => {
    leave()
    // A client that takes nothing more keeps its streams open: it has as much time again.
    const timer = setTimeout(() => { connection.cut() }, idleTimeout).unref()
    connection.raw.once('close', () => clearTimeout(timer))
  })
  connection.speak({
    get begun () { return begun },
    get idle () { return streams === 0 },
    retire: leave,
    // Sends GOAWAY; a socket that is destroyed alone leaves the client waiting.
    cut: () => { session.destroy() }
  })
}
