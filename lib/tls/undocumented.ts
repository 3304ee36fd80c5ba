/**
 * The few things that this package needs of Node's sockets and that no page of Node documents.
 *
 * They are the price of doing without tls.Server: OpenSSL's verdict on the client certificate is
 * handed out by the native handle alone, and so is the descriptor of a socket; handshake errors arrive as an event of their own, a socket
 * swallows its errors until it is released, and only a tls.Server can be given new ticket keys. All of them are the same on Node 20 to 26. They
 * stand here and nowhere else, and a start fails where one is missing: a gate that cannot ask for
 * the verdict must not let anybody in. Without what stands at the end nobody is let in or kept out: a connection
 * that is of no use only keeps its place for longer.
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { type Duplex, PassThrough } from 'node:stream'
import { TLSSocket, createSecureContext, type SecureContext } from 'node:tls'
import { errors, located } from '../errors.js'

/** The event that carries an error of a handshake, instead of `error`. */
export const HANDSHAKE_ERROR = '_tlsError'

interface Undocumented {
  secureConnecting: boolean
  _handle: { verifyError (): (Error & { code?: string }) | null }
  _releaseControl (): boolean
}

function internalsOf (socket: TLSSocket): Undocumented {
  return socket as unknown as Undocumented
}

/**
 * OpenSSL's verdict on the client's chain: its code, for example `CERT_HAS_EXPIRED`, or undefined
 * where the chain is good. Where Node has no code, OpenSSL's own words, for example "EE certificate key too weak".
 * It says nothing of use where the client sent no certificate.
 */
export function verifyErrorOf (socket: TLSSocket): string | undefined {
  const error = internalsOf(socket)._handle.verifyError()
  if (error === null || error === undefined) return undefined
  return error.code === undefined || error.code === 'UNSPECIFIED' ? error.message : error.code
}

/** The number of the descriptor that a raw socket was accepted with; -1 where there is none, as on Windows. */
export function descriptorOf (socket: Duplex): number {
  return (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1
}

/** Lets the socket of a finished handshake emit its errors as `error`, as HTTP expects them. */
export function releaseSocket (socket: TLSSocket): void {
  const internals = internalsOf(socket)
  internals._releaseControl()
  internals.secureConnecting = false
  // As a tls.Server leaves it, which takes the time of a handshake by this.
  socket.setTimeout(0)
}

/**
 * Gives a context keys for its session tickets: none that was sealed with other ones is taken any more. The
 * other way, a new context, costs up to 18 ms where there are many authorities.
 */
export function setTicketKeys (context: SecureContext, keys: Buffer): void {
  nativeContextOf(context).setTicketKeys(keys)
}

function nativeContextOf ({ context }: SecureContext): { setTicketKeys (keys: Buffer): void } {
  return context as { setTicketKeys (keys: Buffer): void }
}

/**
 * Makes sure that this Node has what this file relies on.
 * @throws FST_ENDPOINT_UNSUPPORTED_NODE
 */
export function checkNode (makeSocket: () => TLSSocket = makeUnconnectedSocket): void {
  const socket = makeSocket()
  const { _handle: handle, _releaseControl: release } = internalsOf(socket)
  const { setTicketKeys } = nativeContextOf(createSecureContext())
  const known = typeof setTicketKeys === 'function' && typeof handle?.verifyError === 'function' && typeof release === 'function'
  socket.destroy()
  if (!known) throw new errors.FST_ENDPOINT_UNSUPPORTED_NODE(process.version)
}

/**
 * Makes sure that this Node passes on to OpenSSL that a path may end at any certificate. Node 22.0 to 22.8 drop the
 * option without a word.
 * @throws FST_ENDPOINT_ANCHORS_UNSUPPORTED
 */
export function checkPartialChains (context: SecureContext = createSecureContext()): void {
  const { setAllowPartialTrustChain } = context.context as { setAllowPartialTrustChain?: unknown }
  if (typeof setAllowPartialTrustChain === 'function') return
  throw located(new errors.FST_ENDPOINT_ANCHORS_UNSUPPORTED(process.version), { argument: 'anchors' })
}

function makeUnconnectedSocket (): TLSSocket {
  return new TLSSocket(new PassThrough() as never, { isServer: true, secureContext: createSecureContext() })
}

interface Handle {
  readonly bytesRead: number
  /** What was handed to it. */
  readonly bytesWritten: number
  /** What of that has not left; of a TLSSocket what is encrypted and has not gone to the socket below. */
  readonly writeQueueSize: number
  /** @returns an error number, or 0 */
  getpeername? (name: object): number
}

function handleOf (socket: Socket): Partial<Handle> | null | undefined {
  return (socket as unknown as { _handle?: Partial<Handle> | null })._handle
}

/**
 * Bytes that the kernel has read from a peer and taken for it, below TLS, and those that wait: HTTP/2 writes past
 * the sockets, so that what these know of themselves is nothing.
 * @param socket what speaks TLS on the raw one, if there is TLS
 * @returns undefined where there is no socket of the kernel
 */
export function trafficOf (raw: Socket, socket: Socket = raw): { read: number, taken: number, queued: number } | undefined {
  const below = handleOf(raw)
  if (below?.writeQueueSize === undefined) return undefined
  const { bytesRead: read = 0, bytesWritten = 0, writeQueueSize: waiting } = below
  const above = socket === raw ? 0 : handleOf(socket)?.writeQueueSize ?? 0
  // Each of them may hold the same bytes.
  return { read, taken: bytesWritten - waiting, queued: Math.max(waiting, above, socket.writableLength) }
}

/** Whether the kernel knows that the peer of a TCP connection has reset it, while nobody reads. */
export function isGone (raw: Socket): boolean {
  const handle = handleOf(raw)
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}

/** The native half of a session of HTTP/2. */
interface SessionHandle {
  /** False where it will neither read nor write any more. */
  hasPendingData (): boolean
}

/**
 * What tells that a session has ended its connection, as after an error of the peer: nghttp2 has sent GOAWAY then,
 * and neither reads nor writes. Node tells nobody, and leaves the socket open.
 * @returns undefined where Node does not have it: before 20.19.3 and 22.16
 */
export function handleOfSession (session: ServerHttp2Session): SessionHandle | undefined {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const value = (session as unknown as Record<symbol, Partial<SessionHandle> | undefined>)[symbol]
    if (typeof value?.hasPendingData === 'function') return value as SessionHandle
  }
  return undefined
}

/**
 * Bytes of an answer that its stream of HTTP/2 has handed to the session. It hands on a piece only when the one
 * before has left, so that this grows while the client takes them.
 * @returns 0 where Node does not have it
 */
export function handedOf (stream: ServerHttp2Stream): number {
  // Beside its own handle it has a view of the socket, with the same name for a number of the whole connection.
  const symbol = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle')
  if (symbol === undefined) return 0
  return (stream as unknown as Record<symbol, Partial<Handle> | null | undefined>)[symbol]?.bytesWritten ?? 0
}
