/**
 * The HTTP/2 half of the engine: an http2 server that never listens, and is fed with sockets that
 * negotiated h2, whatever Fastify's own option http2 says. Fastify tells requests apart by version.
 *
 * Node's own values hold against rapid reset and floods of frames. Streams and header lists it does not bound
 * by itself, or by much more than HTTP/1 is given.
 */
import { constants, createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session, type ServerHttp2Stream, type ServerOptions } from 'node:http2'
import type { Socket } from 'node:net'
import { BlockedStreams } from './blocked-streams.js'
import { Connection } from './connection.js'
import { LONG_PATIENCE } from './stalled-peers.js'
import { handleOfSession } from '../tls/undocumented.js'

export type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

interface SessionListener {
  begun (session: ServerHttp2Session): void
  failed (error: Error, session: ServerHttp2Session): void
}

/** Streams that a client may have open at the same time (RFC 9113 section 6.5.2 advises no fewer). */
const MOST_STREAMS = 100

/** Bytes of a header list, each field counted with 32 more: what Node gives to the head of HTTP/1. */
const MOST_HEADERS = 16_384

export class Http2Engine {
  readonly #server: Http2Server

  /**
   * @param handler Fastify's
   * @param options those of http2.createServer that the app gives, in the place of ours
   * @param idleTimeout milliseconds after which a session without traffic is closed (Fastify's http2SessionTimeout)
   * @param sessions told of each session, and of what goes wrong in one, a client that breaks the protocol for example
   */
  constructor (handler: Http2Handler, options: ServerOptions, idleTimeout: number, sessions: SessionListener) {
    const settings = { maxConcurrentStreams: MOST_STREAMS, maxHeaderListSize: MOST_HEADERS, ...options.settings }
    this.#server = createServer({ ...options, settings }, handler)
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

/** Lets the connection end the session as HTTP/2 ends one, and tells it how the session is. */
function attach (session: ServerHttp2Session, idleTimeout: number): void {
  const connection = Connection.of(session.socket)
  if (connection === undefined) return session.destroy()
  // Node 22 aborts the process where a session is destroyed in the midst of what it reads, and a request with a body
  // stands behind that: Node itself does so at a GOAWAY with an error, and an app may. So it has a turn of its own.
  const destroy = session.destroy.bind(session)
  session.destroy = (...reason) => { setImmediate(() => destroy(...reason)) }
  let reading = false
  const read = (): void => {
    if (reading) return
    reading = true
    setImmediate(() => { reading = false })
  }
  const handle = handleOfSession(session)
  const streams = new Set<ServerHttp2Stream>()
  const blocked = new BlockedStreams()
  let begun = false
  let leaving = false
  // A session that was closed ends its side of the socket only, and is not told to be closed before the
  // peer has ended the other: so the connection takes its leave when the last stream has.
  const leave = (): void => {
    if (leaving) return
    leaving = true
    session.close()
    if (streams.size === 0) connection.closeSoon()
  }
  // Before the app hears of the stream, and of its end.
  session.prependListener('stream', (stream, { ':method': method }) => {
    read()
    streams.add(stream)
    begun = true
    connection.attachTo(stream)
    connection.beginRequest()
    if (connection.findRefusal() !== undefined) connection.guardReadable(stream)
    stream.prependOnceListener('close', () => {
      read()
      streams.delete(stream)
      blocked.end(stream, method)
      if (leaving && streams.size === 0) connection.closeSoon()
    })
  })
  // A client that is about to be cut gets an answer of the hook. Listeners of the app, which has the session, hear nothing of it.
  const own = session.rawListeners('stream')
  const { emit } = session
  session.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'stream' || connection.findRefusal() === undefined) return emit.call(session, event, ...args)
    for (const listener of own) listener.apply(session, args)
    return true
  }
  session.once('goaway', leave)
  session.setTimeout(idleTimeout, () => {
    leave()
    // A client that owes the rest of a request has as much time again. One that waits for an answer may go on to.
    const timer = setTimeout(() => { if (owesRequest(streams)) connection.cut() }, idleTimeout).unref()
    connection.raw.once('close', () => clearTimeout(timer))
  })
  connection.useSession({
    patience: idleTimeout > 0 ? idleTimeout : LONG_PATIENCE,
    get begun () { return begun },
    get idle () { return streams.size === 0 },
    get over () { return session.destroyed || handle?.hasPendingData() === false },
    get unsent () { return unsentOf(streams) },
    upgraded: false,
    // Nothing comes any more for the others.
    get incoming () { return [...streams].filter(({ endAfterHeaders }) => !endAfterHeaders) },
    blocked: {
      look: (moved, now) => blocked.look(streams, moved, now),
      heldFor: (milliseconds, now) => blocked.heldFor(milliseconds, now),
      endAfter (milliseconds, now) {
        const over = blocked.over(milliseconds, now)
        // The session is left to what the client takes.
        for (const stream of over) stream.close(constants.NGHTTP2_CANCEL)
        return over.length
      }
    },
    begin () {},
    upgrade () {},
    // HTTP/2 must not say which stream is the last while it reads more of them.
    retire: () => { reading ? setImmediate(leave) : leave() },
    // Sends GOAWAY; a socket that is destroyed alone leaves the client waiting.
    cut () {
      reading ? session.destroy() : destroy()
      connection.closeSoon()
    }
  })
}

function owesRequest (streams: Iterable<ServerHttp2Stream>): boolean {
  for (const stream of streams) if (!stream.endAfterHeaders && !stream.readableEnded && stream.state.remoteClose !== 1) return true
  return false
}

function unsentOf (streams: Iterable<ServerHttp2Stream>): number {
  let bytes = 0
  for (const { writableLength } of streams) bytes += writableLength
  return bytes
}
