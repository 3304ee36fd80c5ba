/**
 * Looks at the hello of a client before its TLSSocket is made, while a challenge of ACME may be outstanding or there is no
 * certificate yet.
 *
 * Node.js chooses the certificate before it knows the protocols of ALPN. So a hello that offers exactly `acme-tls/1` gets a
 * context of its own (RFC 8737 section 3), and no other does. That connection ends after its handshake: no client certificate
 * is requested, and neither the gate nor HTTP sees it. Every other hello is put back as if nobody had read it.
 */
import type { Socket } from 'node:net'
import { TLSSocket, type SecureContext } from 'node:tls'
import { readFirstBytes } from '../transports/first-bytes.js'
import { type HelloResult, readHello } from './client-hello.js'
import { HANDSHAKE_ERROR } from './undocumented.js'

const PROTOCOL = 'acme-tls/1'

/** A fatal alert unrecognized_name (RFC 6066 section 3), in the clear. */
const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112])

/** Milliseconds for a client to close its side. */
const LINGER = 300

/** Where the contexts of outstanding challenges come from. */
export interface ChallengeContexts {
  contextFor (name: string): SecureContext | undefined
  /** Looks for challenges that this process does not know yet. Never rejects. */
  refresh (): Promise<void>
}

export interface ChallengePeek {
  readonly challenges: ChallengeContexts
  /** Whether there is a certificate for a client that sends this name, or none (''). */
  readonly serves: (name: string) => boolean
  /** Milliseconds for the hello and the handshake. */
  readonly timeout: number
}

/** Exactly one of these is called, unless the client has left. */
interface PeekOutcome {
  /** An ordinary client: the socket is as it was. @param elapsed milliseconds that its hello took */
  ordinary (elapsed: number): void
  /** A validator got its certificate for this name. The connection is closing. */
  answered (name: string): void
  /** There is no certificate yet. The connection is closing. */
  refused (): void
}

/**
 * Decides what a connection is.
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 */
export function peekForChallenge (raw: Socket, { challenges, serves, timeout }: ChallengePeek, outcome: PeekOutcome): void {
  const startedAt = performance.now()
  const left = (): number => timeout - (performance.now() - startedAt)

  function pass (all: Buffer | undefined, result?: HelloResult): void {
    if (raw.destroyed) return
    if (!serves(result?.state === 'complete' ? result.serverName : '')) {
      if (result?.state === 'complete') closeWith(raw, UNRECOGNIZED_NAME)
      else raw.destroy()
      return outcome.refused()
    }
    if (all !== undefined) raw.unshift(all)
    outcome.ordinary(performance.now() - startedAt)
  }

  function decide (all: Buffer, result: HelloResult): void {
    if (result.state !== 'complete' || result.serverName === '' || result.protocols.length !== 1 || result.protocols[0] !== PROTOCOL) {
      return pass(all, result)
    }
    const { serverName } = result
    const answer = (context: SecureContext): void => {
      raw.unshift(all)
      answerChallenge(raw, context, left(), () => { outcome.answered(serverName) })
    }
    const context = challenges.contextFor(serverName)
    if (context !== undefined) return answer(context)
    // Another node may have ordered. Nobody else listens to the socket meanwhile.
    raw.on('error', ignore)
    challenges.refresh().then(() => {
      raw.removeListener('error', ignore)
      const found = challenges.contextFor(serverName)
      if (found === undefined || raw.destroyed) pass(all, result)
      else answer(found)
    })
  }

  readFirstBytes(raw, { timeout }, {
    look (all) {
      const result = readHello(all)
      return result.state === 'partial' ? result.length : () => decide(all, result)
    },
    late: (all) => { pass(all) },
    closed: () => {}
  })
}

function ignore (): void {}

/** Makes the handshake of a validator, and closes the connection. */
function answerChallenge (raw: Socket, secureContext: SecureContext, timeout: number, answered: () => void): void {
  const socket = new TLSSocket(raw, { isServer: true, secureContext, requestCert: false, ALPNProtocols: [PROTOCOL] })
  const end = (): void => { socket.destroy() }
  let timer = setTimeout(end, Math.max(timeout, 0)).unref()
  socket.on('error', end)
  socket.on(HANDSHAKE_ERROR, end)
  raw.once('close', () => {
    clearTimeout(timer)
    socket.destroy()
  })
  socket.once('secure', () => {
    clearTimeout(timer)
    timer = setTimeout(end, LINGER)
    // What it sends is not read, except for its end.
    socket.resume()
    socket.end()
    answered()
  })
}

/** Writes an alert, and reads on for a moment: a reset would overtake it. */
function closeWith (raw: Socket, alert: Buffer): void {
  raw.on('error', ignore)
  raw.end(alert)
  raw.resume()
  const timer = setTimeout(() => { raw.destroy() }, LINGER)
  raw.once('close', () => { clearTimeout(timer) })
}
