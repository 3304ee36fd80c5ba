/**
 * Runs one handshake: from a raw socket to a TLSSocket that the gate has admitted, or to none.
 *
 * The TLSSocket is made here, without tls.Server, for three reasons. The gate sees all certificates of the client, which
 * Node 24.21 and 26.8 lose in tls.Server. The credentials are one reference, which a connection reads once. And nothing in
 * Node decides beside the gate.
 */
import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls'
import { alertRecord, TrafficSecret } from './alert.js'
import { readAskedName } from './asked-name.js'
import { ClientSocket, type HandshakeSteps } from './client-socket.js'
import type { Credentials } from './credentials.js'
import { contextFor, type NamesFolder } from './server-names.js'
import type { TicketKeys } from './ticket-keys.js'
import type { Gate } from './gate.js'
import type { RefusalReason } from './refusal-reason.js'
import { releaseSocket } from './undocumented.js'
import type { Admission, Refusal } from './verdict.js'

/** Gets a line of the key log. */
export type KeylogListener = (line: Buffer, socket: ClientSocket) => void

/** Shared by the handshakes of one endpoint. */
export interface HandshakeOptions {
  /** The credentials in force. */
  credentials (): Credentials
  readonly ticketKeys: TicketKeys
  readonly gate: Gate
  /** The protocols, in the order of preference, as `alpnList` encodes them. */
  readonly alpn: Uint8Array
  /** Seconds for the whole handshake. */
  readonly timeout: number
  /** Who gets each line of the key log, if anybody does. */
  keylog? (): KeylogListener | undefined
  /** Called for each handshake. The version is `unknown` without a verdict. */
  readonly observe?: ((version: string, result: 'admitted' | 'refused' | 'failed' | 'left') => void) | undefined
}

/**
 * The outcome of a handshake: exactly one of these is called. One object serves all handshakes of an endpoint, so each call gets what
 * was given to `runHandshake` as `subject`.
 */
export interface HandshakeOutcome<Subject = undefined> {
  admitted (socket: ClientSocket, admission: Admission, subject: Subject): void
  /** The connection is closing. `alerted`: whether the client was sent an alert. */
  refused (refusal: Refusal, alerted: boolean, socket: ClientSocket, subject: Subject): void
  /** The handshake ended before the gate could judge it. The connection is closed. */
  failed (error: Error | undefined, socket: ClientSocket, subject: Subject): void
}

/** Protocols as TLS encodes them (RFC 7301 section 3.1), so that Node need not do it for each handshake. */
export function alpnList (protocols: readonly string[]): Uint8Array {
  return Buffer.concat(protocols.map((name) => Buffer.from([name.length, ...Buffer.from(name)])))
}

/**
 * Runs the handshake of one connection.
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 * @param elapsed milliseconds of the timeout that were used before
 */
export function runHandshake (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome): void
export function runHandshake<Subject> (
  raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome<Subject>, subject: Subject, elapsed?: number
): void
export function runHandshake<Subject> (
  raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome<Subject>, subject?: Subject, elapsed = 0
): void {
  const timeout = options.timeout * 1000 - elapsed
  const begin = (remaining: number, name?: string): void => {
    // Starts by itself: its socket calls it back.
    new Handshake(raw, options, outcome, subject as Subject, remaining, name).check()
  }
  if (!options.credentials().areKindsMixed) return begin(timeout)
  const startedAt = performance.now()
  readAskedName(raw, timeout, (name) => { begin(timeout - (performance.now() - startedAt), name) })
}

/**
 * One handshake. It has no listeners of its own: those of `ClientSocket`, which all sockets share, call it. Closures that are made and
 * removed for each connection took 2 % of a handshake.
 */
class Handshake<Subject> implements HandshakeSteps {
  readonly #raw: Socket
  readonly #socket: ClientSocket
  readonly #options: HandshakeOptions
  readonly #outcome: HandshakeOutcome<Subject>
  readonly #subject: Subject
  /** Number of the rules when it began. */
  readonly #rules: number
  readonly #asked: boolean
  readonly #secret: TrafficSecret | undefined
  readonly #timer: NodeJS.Timeout

  /** @param name the server name in the hello, if it was read */
  constructor (
    raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome<Subject>, subject: Subject, timeout: number, name: string | undefined
  ) {
    const { context, authorities, names } = options.credentials()
    const named = names === undefined || name === undefined ? undefined : contextFor(names, name)
    this.#raw = raw
    this.#options = options
    this.#outcome = outcome
    this.#subject = subject
    this.#asked = authorities.all.length > 0
    this.#rules = options.gate.rules
    const settings: TLSSocketOptions = {
      isServer: true,
      secureContext: options.ticketKeys.apply(named ?? context),
      requestCert: this.#asked,
      // Without this option OpenSSL would not say which certificate it refused, and why. The gate asks it afterwards.
      rejectUnauthorized: false,
      ALPNProtocols: options.alpn
    }
    if (names !== undefined && name === undefined) settings.SNICallback = (servername, done) => { this.#choose(names, servername, done) }
    this.#socket = new ClientSocket(raw, settings)
    const keylog = options.keylog?.()
    if (keylog !== undefined) this.#socket.on('keylog', (line: Buffer) => { keylog(line, this.#socket) })
    this.#secret = this.#asked ? new TrafficSecret(this.#socket) : undefined
    // Nothing may be left of it, and Node.js warns of negative times.
    this.#timer = setTimeout(expire, Math.max(timeout, 0), this).unref()
    ClientSocket.begin(this.#socket, this)
  }

  /** The client may have left before its name was read. */
  check (): void {
    if (this.#raw.destroyed) this.#socket.destroy()
  }

  /** Called in the handshake, unless a session is resumed. The contexts of names have the authorities too. */
  #choose (names: NamesFolder, servername: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const chosen = contextFor(names, servername)
    done(null, chosen === undefined ? undefined : this.#options.ticketKeys.apply(chosen))
  }

  #settle (): void {
    clearTimeout(this.#timer)
    ClientSocket.end(this.#socket)
  }

  fail (error?: Error): void {
    this.#settle()
    this.#secret?.forget()
    this.#socket.destroy()
    // OpenSSL names a version even before one was negotiated, so it is not asked.
    this.#options.observe?.('unknown', error === undefined ? 'left' : 'failed')
    this.#outcome.failed(error, this.#socket, this.#subject)
  }

  /**
   * Synchronous from OpenSSL's last step to the verdict. So nothing that the client has sent after its Finished was read, and
   * nothing that the server wrote in TLS 1.2 has left.
   */
  decide (): void {
    const socket = this.#socket
    const verdict = this.#options.gate.judge(socket, this.#rules)
    if (!verdict.admitted) return this.#refuse(verdict)
    this.#settle()
    this.#secret?.forget()
    releaseSocket(socket)
    ClientSocket.admit(socket, verdict, this.#asked)
    this.#options.observe?.(versionOf(socket), 'admitted')
    this.#outcome.admitted(socket, verdict, this.#subject)
  }

  #refuse (refusal: Refusal): void {
    const socket = this.#socket
    this.#settle()
    ClientSocket.refuse(socket, refusal)
    this.#options.observe?.(versionOf(socket), 'refused')
    const alerted = closeWithAlert(this.#raw, socket, makeAlert(socket, refusal.reason, this.#secret))
    this.#outcome.refused(refusal, alerted, socket, this.#subject)
  }
}

function expire (handshake: HandshakeSteps): void {
  handshake.fail(timeoutError())
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
