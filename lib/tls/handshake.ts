/**
 * The TLS layer: a raw socket goes in, and a judged TLSSocket comes out, or nothing does.
 *
 * We make the TLSSocket ourselves, without tls.Server: then the client's certificates are all there
 * when the gate looks at them (Node 24.21 and 26.8 lose them in tls.Server), the credentials are one
 * reference that a connection takes once, and nothing of Node decides beside us.
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Credentials } from './credentials.js'
import type { Admission, Gate, Refusal } from './gate.js'
import { HANDSHAKE_ERROR, releaseSocket } from './undocumented.js'

/** What the handshakes of one endpoint have in common. */
export interface HandshakeOptions {
  /** What is in force when a connection comes. */
  credentials (): Credentials
  readonly gate: Gate
  readonly alpn: readonly string[]
  /** Seconds from the connection to the end of the handshake. */
  readonly timeout: number
}

/** What becomes of a handshake; exactly one of the two is called, once, or none if the socket is closed before. */
export interface HandshakeOutcome {
  admitted (socket: TLSSocket, admission: Admission): void
  /** The socket is destroyed already. `refusal` is absent where the handshake itself failed. */
  failed (error: Error | undefined, refusal?: Refusal): void
}

/**
 * Runs the handshake of one connection.
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 */
export function shakeHands (raw: Socket, options: HandshakeOptions, outcome: HandshakeOutcome): void {
  const { context, authorities } = options.credentials()
  const socket = new TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: authorities.length > 0,
    // OpenSSL would not say which certificate it refused, and why; the gate asks it afterwards.
    rejectUnauthorized: false,
    ALPNProtocols: [...options.alpn]
  })
  const timer = setTimeout(() => fail(new Error('the handshake took too long')), options.timeout * 1000).unref()

  function settle (): void {
    clearTimeout(timer)
    socket.removeListener('secure', decide)
    socket.removeListener('close', closed)
    socket.removeListener(HANDSHAKE_ERROR, fail)
  }

  function fail (error?: Error, refusal?: Refusal): void {
    settle()
    socket.destroy()
    outcome.failed(error, refusal)
  }

  function closed (): void {
    fail()
  }

  // Synchronous from OpenSSL's last step to the verdict: nothing that the client has sent behind its
  // Finished is read before, and nothing that the server wrote in TLS 1.2 has left.
  function decide (): void {
    const verdict = options.gate.judge(socket)
    if (!verdict.admitted) return fail(undefined, verdict)
    settle()
    releaseSocket(socket)
    outcome.admitted(socket, verdict)
  }

  socket.on('secure', decide)
  socket.on('close', closed)
  socket.on(HANDSHAKE_ERROR, fail)
}
