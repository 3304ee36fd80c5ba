/**
 * The HTTP/2 half of the engine: an http2 server that never listens, and gets the sockets that negotiated h2, whatever
 * Fastify's option http2 says. Fastify distinguishes requests by version.
 *
 * Node's defaults protect against rapid reset and floods of frames. For streams and header lists, Node has no limit, or
 * a much higher one than for HTTP/1.
 */
import {
  constants, createServer, type Http2Server, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session,
  type ServerHttp2Stream, type ServerOptions
} from 'node:http2'
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

/** Streams that a client may have open at the same time (RFC 9113 section 6.5.2 recommends at least 100). */
const MOST_STREAMS = 100

/** Bytes of a header list, plus 32 per field: what Node allows for the head of HTTP/1. */
const MOST_HEADERS = 16_384

export class Http2Engine {
  readonly #server: Http2Server

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
      attach(session, idleTimeout)
      sessions.begun(session)
    })
    this.#server.on('sessionError', (error, session) => { sessions.failed(error, session) })
  }

  feed (socket: Socket): void {
    this.#server.emit('connection', socket)
  }
}

/** Connects a session with its connection: how the session ends, and what it is doing. */
function attach (session: ServerHttp2Session, idleTimeout: number): void {
  const connection = Connection.of(session.socket)
  if (connection === undefined) return session.destroy()
  // Node 22 aborts the process if a session is destroyed while it reads and a request with a body follows. Node itself
  // does so at a GOAWAY with an error, and an app may. So the session is destroyed in a turn of its own.
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
  let retiring = false
  // A closed session ends only its side of the socket, and closes when the peer has ended the other side. So the connection
  // limits that time once the last stream has ended.
  const retire = (): void => {
    if (retiring) return
    retiring = true
    session.close()
    if (streams.size === 0) connection.closeSoon()
  }
  // Prepended, so that it runs before listeners of the app.
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
      if (retiring && streams.size === 0) connection.closeSoon()
    })
  })
  // The hook answers a client that is about to be cut. The app may listen to the session, and must not get the stream.
  const own = session.rawListeners('stream')
  const { emit } = session
  session.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event !== 'stream' || connection.findRefusal() === undefined) return emit.call(session, event, ...args)
    for (const listener of own) listener.apply(session, args)
    return true
  }
  session.once('goaway', retire)
  session.setTimeout(idleTimeout, () => {
    retire()
    // A client that owes the rest of a request gets the same time again. One that waits for an answer may go on waiting.
    const timer = setTimeout(() => { if (owesRequest(streams)) connection.cut() }, idleTimeout).unref()
    connection.raw.once('close', () => clearTimeout(timer))
  })
  connection.useSession({
    patience: idleTimeout > 0 ? idleTimeout : LONG_PATIENCE,
    get hasBegun () { return begun },
    get idle () { return streams.size === 0 },
    get over () { return session.destroyed || handle?.hasPendingData() === false },
    get unsent () { return unsentOf(streams) },
    upgraded: false,
    // Requests that are complete need no guard.
    get incoming () { return [...streams].filter(({ endAfterHeaders }) => !endAfterHeaders) },
    blocked: {
      look: (moved, now) => blocked.look(streams, moved, now),
      bytesBlockedFor: (milliseconds, now) => blocked.bytesBlockedFor(milliseconds, now),
      endAfter (milliseconds, now) {
        const ended = blocked.blockedFor(milliseconds, now)
        // The session stays open for the streams that the client reads.
        for (const stream of ended) stream.close(constants.NGHTTP2_CANCEL)
        return ended.length
      }
    },
    begin () {},
    upgrade () {},
    // GOAWAY names the last stream, so it must not be sent while more streams are being read.
    retire: () => { reading ? setImmediate(retire) : retire() },
    // Sends GOAWAY. If only the socket were destroyed, the client would wait.
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
