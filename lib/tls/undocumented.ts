/**
 * The few things that this package needs of Node's TLSSocket and that no page of Node documents.
 *
 * They are the price of doing without tls.Server: OpenSSL's verdict on the client certificate is
 * handed out by the native handle alone, handshake errors arrive as an event of their own, a socket
 * swallows its errors until it is released, and only a tls.Server can be given new ticket keys. All of them are the same on Node 20 to 26. They
 * stand here and nowhere else, and a start fails where one is missing: a gate that cannot ask for
 * the verdict must not let anybody in.
 */
import { PassThrough } from 'node:stream'
import { TLSSocket, createSecureContext, type SecureContext } from 'node:tls'
import { errors } from '../errors.js'

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

function makeUnconnectedSocket (): TLSSocket {
  return new TLSSocket(new PassThrough() as never, { isServer: true, secureContext: createSecureContext() })
}
