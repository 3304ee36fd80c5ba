/**
 * Runs one handshake: from a raw socket to a TLSSocket that the gate has admitted, or to none.
 *
 * The TLSSocket is made here, without tls.Server, for three reasons. The gate sees all certificates of the client, which
 * Node 24.21 and 26.8 lose in tls.Server. The credentials are one reference, which a connection reads once. And nothing in
 * Node decides beside the gate.
 */
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { alertRecord, TrafficSecret } from './alert.js'
import { readAskedName } from './asked-name.js'
import { ClientSocket } from './client-socket.js'
import type { Credentials } from './credentials.js'
import { contextFor, type NamesFolder } from './server-names.js'
import type { TicketKeys } from './ticket-keys.js'
import type { Gate } from './gate.js'
import type { RefusalReason } from './refusal-reason.js'
import { HANDSHAKE_ERROR, releaseSocket } from './undocumented.js'
import type { Admission, Refusal } from './verdict.js'

/** Shared by the handshakes of one endpoint. */
export interface HandshakeOptions {
  /** The credentials in force. */
  credentials (): Credentials
  readonly ticketKeys: TicketKeys
  readonly gate: Gate
  readonly alpn: readonly string[]
  /** Seconds for the whole handshake. */
  readonly timeout: number
  /** Gets each line of the key log, if anybody listens. */
  readonly keylog?: ((line: Buffer, socket: ClientSocket) => void) | undefined
  /** Called for each handshake. The version is `unknown` without a verdict. */
  readonly observe?: ((version: string, result: 'admitted' | 'refused' | 'failed' | 'left') => void) | undefined
}

/** The outcome of a handshake: exactly one of these is called. */
interface HandshakeOutcome {
  admitted (socket: ClientSocket, admission: Admission): void
  /** The connection is closing. `alerted`: whether the client was sent an alert. */
  refused (refusal: Refusal, alerted: boolean, socket: ClientSocket): void
  /** The handshake ended before the gate could judge it. The connection is closed. */
  failed (error: Error | undefined, socket: ClientSocket): void
}

/**
 * Runs the handshake of one connection.
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 */
export function runHandshake (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome): void {
  if (!options.credentials().areKindsMixed) return begin(raw, options, outcome)
  const startedAt = performance.now()
  readAskedName(raw, options.timeout * 1000, (name) => {
    begin(raw, { ...options, timeout: options.timeout - (performance.now() - startedAt) / 1000 }, outcome, name)
  })
}

/** @param name the server name in the hello, if it was read */
function begin (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome, name?: string): void {
  const { context, authorities, names } = options.credentials()
  const named = names === undefined || name === undefined ? undefined : contextFor(names, name)
  const socket = new ClientSocket(raw, {
    isServer: true,
    secureContext: options.ticketKeys.apply(named ?? context),
    requestCert: authorities.all.length > 0,
    // Without this option OpenSSL would not say which certificate it refused, and why. The gate asks it
    // afterwards.
    rejectUnauthorized: false,
    ALPNProtocols: [...options.alpn],
    ...(names === undefined || name !== undefined ? {} : { SNICallback: chooseContext })
  })
  const { rules } = options.gate
  const { keylog } = options
  if (keylog !== undefined) socket.on('keylog', (line: Buffer) => { keylog(line, socket) })
  const secret = authorities.all.length > 0 ? new TrafficSecret(socket) : undefined
  const timer = setTimeout(() => fail(timeoutError()), options.timeout * 1000).unref()

  /** Called in the handshake, unless a session is resumed. The contexts of names have the authorities too. */
  function chooseContext (servername: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const chosen = contextFor(names as NamesFolder, servername)
    done(null, chosen === undefined ? undefined : options.ticketKeys.apply(chosen))
  }

  function settle (): void {
    clearTimeout(timer)
    socket.removeListener('secure', decide)
    socket.removeListener('close', closed)
    socket.removeListener(HANDSHAKE_ERROR, fail)
  }

  function fail (error?: Error): void {
    settle()
    secret?.forget()
    socket.destroy()
    // OpenSSL names a version even before one was negotiated, so it is not asked.
    options.observe?.('unknown', error === undefined ? 'left' : 'failed')
    outcome.failed(error, socket)
  }

  function refuse (refusal: Refusal): void {
    settle()
    ClientSocket.refuse(socket, refusal)
    options.observe?.(versionOf(socket), 'refused')
    outcome.refused(refusal, closeWithAlert(raw, socket, makeAlert(socket, refusal.reason, secret)), socket)
  }

  function closed (): void {
    fail()
  }

  // Synchronous from OpenSSL's last step to the verdict. So nothing that the client has sent after its Finished was read,
  // and nothing that the server wrote in TLS 1.2 has left.
  function decide (): void {
    const verdict = options.gate.judge(socket, rules)
    if (!verdict.admitted) return refuse(verdict)
    settle()
    secret?.forget()
    releaseSocket(socket)
    ClientSocket.admit(socket, verdict, authorities.all.length > 0)
    options.observe?.(versionOf(socket), 'admitted')
    outcome.admitted(socket, verdict)
  }

  socket.on('secure', decide)
  socket.on('close', closed)
  socket.on(HANDSHAKE_ERROR, fail)
  // The client may have left before its name was read.
  if (raw.destroyed) socket.destroy()
}

/** With Node's code. */
function timeoutError (): Error {
  return Object.assign(new Error('the handshake took too long'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
}

/** For an open socket whose handshake is done. */
function versionOf (socket: TLSSocket): string {
  return socket.getProtocol() ?? 'unknown'
}

/** The alert; undefined if anything goes wrong, since the connection must be closed in any case. */
function makeAlert (socket: TLSSocket, reason: RefusalReason, secret: TrafficSecret | undefined): Buffer | undefined {
  try {
    return alertRecord(socket, reason, secret?.value)
  } catch {
    return undefined
  } finally {
    secret?.forget()
  }
}

/** A refused client may keep sending for so many milliseconds and bytes. */
const DRAIN_TIME = 300
const DRAIN_BYTES = 8 * 1024 * 1024

/**
 * Writes the alert below TLS, closes the writing side, and reads on for a while. If the connection were destroyed while the
 * client sends, the client would get a reset, and never see the alert.
 * @returns whether an alert was written
 */
function closeWithAlert (raw: Socket, socket: TLSSocket, record: Buffer | undefined): boolean {
  if (record !== undefined) raw.write(record)
  // If it is not written at once, records of OpenSSL might get in between. A fresh connection's buffer holds a hello
  // flight and always has room for seven or twenty-four more bytes, so this client is not an honest one.
  if (record === undefined || raw.writableLength > 0) {
    socket.destroy()
    return false
  }
  raw.end()
  const limit = raw.bytesRead + DRAIN_BYTES
  // Keeps the process alive, which an ended socket does not: closing the app waits for this.
  const timer = setTimeout(() => socket.destroy(), DRAIN_TIME)
  // OpenSSL's writes fail now, and the client may reset the connection: neither matters.
  socket.on('error', () => {})
  socket.on('data', () => { if (raw.bytesRead > limit) socket.destroy() })
  raw.once('close', () => clearTimeout(timer))
  return true
}
