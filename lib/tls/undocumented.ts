/**
 * The undocumented parts of Node's sockets that this package uses. No other file uses any.
 *
 * They are the price of doing without tls.Server. Only the native handle tells OpenSSL's verdict on the client certificate,
 * and the descriptor of a socket. Handshake errors have an event of their own. A socket swallows its errors until it is
 * released. And only a tls.Server can get new ticket keys. All of these are the same on Node 20 to 26. If one is missing, the
 * start fails: a gate without the verdict must not admit anybody.
 *
 * The functions at the end of the file are about useless connections, which would only keep their place for longer. Without
 * them, everything else works.
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
 * OpenSSL's verdict on the client's chain. It is a code, for example `CERT_HAS_EXPIRED`, or OpenSSL's text if Node has
 * no code, for example "EE certificate key too weak". Undefined if the chain is good. Meaningless if the client sent no
 * certificate.
 */
export function verifyErrorOf (socket: TLSSocket): string | undefined {
  const error = internalsOf(socket)._handle.verifyError()
  if (error === null || error === undefined) return undefined
  return error.code === undefined || error.code === 'UNSPECIFIED' ? error.message : error.code
}

/** The descriptor of a raw socket; -1 if there is none, as on Windows. */
export function descriptorOf (socket: Duplex): number {
  return (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1
}

/** Makes the socket of a finished handshake emit its errors as `error`, as HTTP expects. */
export function releaseSocket (socket: TLSSocket): void {
  const internals = internalsOf(socket)
  internals._releaseControl()
  internals.secureConnecting = false
  // As tls.Server does, which uses this timeout for the handshake.
  socket.setTimeout(0)
}

/**
 * Sets the keys for session tickets in a context. Tickets that were sealed with other keys become invalid. A new context would
 * do the same, but takes up to 18 ms with many authorities.
 */
export function setTicketKeys (context: SecureContext, keys: Buffer): void {
  nativeContextOf(context).setTicketKeys(keys)
}

function nativeContextOf ({ context }: SecureContext): { setTicketKeys (keys: Buffer): void } {
  return context as { setTicketKeys (keys: Buffer): void }
}

/**
 * Checks that this version of Node has what this file relies on.
 * @throws FST_ENDPOINT_UNSUPPORTED_NODE
 */
export function checkNode (makeSocket: () => TLSSocket = makeUnconnectedSocket): void {
  const socket = makeSocket()
  const { _handle: handle, _releaseControl: release } = internalsOf(socket)
  const { setTicketKeys } = nativeContextOf(createSecureContext())
  const isComplete = typeof setTicketKeys === 'function' && typeof handle?.verifyError === 'function' && typeof release === 'function'
  socket.destroy()
  if (!isComplete) throw new errors.FST_ENDPOINT_UNSUPPORTED_NODE(process.version)
}

/**
 * Makes sure that this Node passes on to OpenSSL that a path may end at any certificate. Node 22.0 to 22.8 ignore
 * the option silently.
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
  /** Bytes that were handed to the handle. */
  readonly bytesWritten: number
  /** The part of them that has not left; for a TLSSocket, encrypted bytes that have not reached the socket below. */
  readonly writeQueueSize: number
  /** @returns an error number, or 0 */
  getpeername? (name: object): number
}

function handleOf (socket: Socket): Partial<Handle> | null | undefined {
  return (socket as unknown as { _handle?: Partial<Handle> | null })._handle
}

/**
 * Bytes that wait until the kernel takes them for a peer. HTTP/2 bypasses the sockets, so their own counters do not help.
 * @param socket the TLS socket on top of the raw one, if there is TLS
 * @returns undefined if there is no socket of the kernel
 */
export function queuedFor (raw: Socket, socket: Socket = raw): number | undefined {
  const below = handleOf(raw)?.writeQueueSize
  if (below === undefined) return undefined
  const above = socket === raw ? 0 : handleOf(socket)?.writeQueueSize ?? 0
  // Both may include the same bytes.
  return Math.max(below, above, socket.writableLength)
}

/** Bytes that the kernel has read from a peer and taken for it, below TLS. */
export function trafficOf (raw: Socket): { read: number, accepted: number } {
  const { bytesRead: read = 0, bytesWritten = 0, writeQueueSize: waiting = 0 } = handleOf(raw) ?? {}
  return { read, accepted: bytesWritten - waiting }
}

/** Whether the peer of a TCP connection has reset it. Works although nobody reads the socket. */
export function isGone (raw: Socket): boolean {
  const handle = handleOf(raw)
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0
}

/** The native part of a session of HTTP/2. */
export interface SessionHandle {
  /** False if it no longer reads or writes. */
  hasPendingData (): boolean
}

/**
 * Shows whether a session has ended, for example after an error of the peer. nghttp2 has sent GOAWAY then, and neither reads
 * nor writes; but Node emits no event, and leaves the socket open.
 * @returns undefined in Node before 20.19.3 and 22.16
 */
export function handleOfSession (session: ServerHttp2Session): SessionHandle | undefined {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const value = (session as unknown as Record<symbol, Partial<SessionHandle> | undefined>)[symbol]
    if (typeof value?.hasPendingData === 'function') return value as SessionHandle
  }
  return undefined
}

/**
 * Bytes of an answer that its HTTP/2 stream has handed to the session. The stream hands over a piece when the previous one has
 * left, so the number grows while the client reads.
 * @returns 0 if Node does not have it
 */
export function handedOf (stream: ServerHttp2Stream): number {
  // The stream also has a view of the socket, whose `bytesWritten` counts the whole connection.
  const symbol = Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle')
  if (symbol === undefined) return 0
  return (stream as unknown as Record<symbol, Partial<Handle> | null | undefined>)[symbol]?.bytesWritten ?? 0
}
