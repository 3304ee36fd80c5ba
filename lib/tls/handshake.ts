/**
 * The TLS layer: a raw socket goes in, and a judged TLSSocket comes out, or nothing does.
 *
 * We make the TLSSocket ourselves, without tls.Server: then the client's certificates are all there
 * when the gate looks at them (Node 24.21 and 26.8 lose them in tls.Server), the credentials are one
 * reference that a connection takes once, and nothing of Node decides beside us.
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

/** What the handshakes of one endpoint have in common. */
export interface HandshakeOptions {
  /** What is in force when a connection comes. */
  credentials (): Credentials
  readonly ticketKeys: TicketKeys
  readonly gate: Gate
  readonly alpn: readonly string[]
  /** Seconds from the connection to the end of the handshake. */
  readonly timeout: number
  /** Gets each line of the key log, where somebody asks for it. */
  readonly keylog?: ((line: Buffer, socket: ClientSocket) => void) | undefined
  /** Told of each handshake, with the version that it came to if there was a verdict. */
  readonly observe?: ((version: string, result: 'admitted' | 'refused' | 'failed' | 'left') => void) | undefined
}

/** What becomes of a handshake: one of the three is called, once. */
interface HandshakeOutcome {
  admitted (socket: ClientSocket, admission: Admission): void
  /** The connection is over, or about to be. `alerted` says whether the client was told why. */
  refused (refusal: Refusal, alerted: boolean, socket: ClientSocket): void
  /** There was no handshake to judge. The connection is over. */
  failed (error: Error | undefined, socket: ClientSocket): void
}

/**
 * Runs the handshake of one connection.
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 */
export function runHandshake (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome): void {
  if (!options.credentials().areKindsMixed) return begin(raw, options, outcome)
  const begun = performance.now()
  readAskedName(raw, options.timeout * 1000, (name) => {
    begin(raw, { ...options, timeout: options.timeout - (performance.now() - begun) / 1000 }, outcome, name)
  })
}

/** @param name the server name that the client asks for, if it was read */
function begin (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome, name?: string): void {
  const { context, authorities, names } = options.credentials()
  const named = names === undefined || name === undefined ? undefined : contextFor(names, name)
  const socket = new ClientSocket(raw, {
    isServer: true,
    secureContext: options.ticketKeys.give(named ?? context),
    requestCert: authorities.all.length > 0,
    // OpenSSL would not say which certificate it refused, and why; the gate asks it afterwards.
    rejectUnauthorized: false,
    ALPNProtocols: [...options.alpn],
    ...(names === undefined || name !== undefined ? {} : { SNICallback: chooseContext })
  })
  const { rules } = options.gate
  const { keylog } = options
  if (keylog !== undefined) socket.on('keylog', (line: Buffer) => { keylog(line, socket) })
  const secret = authorities.all.length > 0 ? new TrafficSecret(socket) : undefined
  const timer = setTimeout(() => fail(tooLate()), options.timeout * 1000).unref()

  /** Called in the handshake, unless a session is resumed. Each context of a name carries the authorities too. */
  function chooseContext (servername: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const chosen = contextFor(names as NamesFolder, servername)
    done(null, chosen === undefined ? undefined : options.ticketKeys.give(chosen))
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
    // Before it has come to one, OpenSSL names a version all the same.
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

  // Synchronous from OpenSSL's last step to the verdict: nothing that the client has sent behind its
  // Finished is read before, and nothing that the server wrote in TLS 1.2 has left.
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

/** With the code that Node gives it. */
function tooLate (): Error {
  return Object.assign(new Error('the handshake took too long'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
}

/** Of a socket whose handshake is done, and that is open. */
function versionOf (socket: TLSSocket): string {
  return socket.getProtocol() ?? 'unknown'
}

/** The alert, or none where anything goes wrong: then the connection ends without one. */
function makeAlert (socket: TLSSocket, reason: RefusalReason, secret: TrafficSecret | undefined): Buffer | undefined {
  try {
    return alertRecord(socket, reason, secret?.value)
  } catch {
    return undefined
  } finally {
    secret?.forget()
  }
}

/** Milliseconds and bytes for which a refused client may go on sending before it is cut off. */
const DRAIN_TIME = 300
const DRAIN_BYTES = 8 * 1024 * 1024

/**
 * Writes the alert below TLS, closes the writing side behind it, and reads on for a while: a client that
 * is sending a body when the connection is destroyed gets a reset, and never sees the alert.
 * @returns whether there was an alert, and it was written
 */
function closeWithAlert (raw: Socket, socket: TLSSocket, record: Buffer | undefined): boolean {
  if (record !== undefined) raw.write(record)
  // Not written at once, something of OpenSSL's might get in between. The buffer of a fresh connection
  // that holds a hello flight has room for seven bytes or twenty-four, so this is a client that plays.
  if (record === undefined || raw.writableLength > 0) {
    socket.destroy()
    return false
  }
  raw.end()
  const limit = raw.bytesRead + DRAIN_BYTES
  // It keeps the process alive for that long: a socket that has ended does not, and who closes the app waits for it.
  const timer = setTimeout(() => socket.destroy(), DRAIN_TIME)
  // What OpenSSL wanted to write fails now, and the client may reset the connection: neither is news.
  socket.on('error', () => {})
  socket.on('data', () => { if (raw.bytesRead > limit) socket.destroy() })
  raw.once('close', () => clearTimeout(timer))
  return true
}
