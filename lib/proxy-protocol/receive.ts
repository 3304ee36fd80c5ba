/**
 * Reads the PROXY header from a raw socket, and leaves what follows it in the socket as if nothing had
 * stood before: TLS, or HTTP, begins where the header ends.
 */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import { FirstBytes } from '../transports/first-bytes.js'
import { readHeader } from './header.js'
import type { HeaderFault } from './result.js'

/** What becomes of a connection: one of the three is called, once. */
interface HeaderOutcome {
  received (header: ProxyProtocol): void
  /** The connection is over. */
  refused (fault: HeaderFault): void
  /** The peer has ended the connection before the end of a header, for example since it only looked whether somebody listens. */
  left (): void
}

/** The clock that limits the time of a header. */
export interface HeaderClock {
  /** Milliseconds since some moment; never goes back. */
  now (): number
  /** Calls back after so many milliseconds, unless the function that it gives is called before. */
  after (milliseconds: number, expire: () => void): () => void
}

export const HEADER_CLOCK: HeaderClock = {
  now: () => performance.now(),
  after (milliseconds, expire) {
    const timer = setTimeout(expire, milliseconds).unref()
    return () => clearTimeout(timer)
  }
}

/**
 * Waits for the header that the connection must begin with.
 * @param raw a connected socket of which nothing has been read
 * @param timeout milliseconds that the whole header may take, by `clock`
 */
export function receiveHeader (raw: Socket, { timeout, clock }: { timeout: number, clock: HeaderClock }, outcome: HeaderOutcome): void {
  const first = new FirstBytes()
  /** How many bytes there must be for another look. */
  let awaited = 0
  const stopTimer = clock.after(timeout, () => refuse('late'))

  function settle (): void {
    stopTimer()
    raw.removeListener('readable', read)
    raw.removeListener('end', leave)
    raw.removeListener('close', leave)
    raw.removeListener('error', ignore)
  }

  function refuse (fault: HeaderFault): void {
    settle()
    raw.destroy()
    outcome.refused(fault)
  }

  function leave (): void {
    settle()
    raw.destroy()
    outcome.left()
  }

  function read (): void {
    for (let piece = raw.read() as Buffer | null; piece !== null; piece = raw.read() as Buffer | null) {
      const all = first.append(piece)
      if (all.length < awaited) continue
      const reading = readHeader(all)
      if (reading.state === 'wrong') return refuse(reading.fault)
      if (reading.state === 'complete') {
        settle()
        if (reading.length < all.length) raw.unshift(all.subarray(reading.length))
        return outcome.received(reading.header)
      }
      awaited = reading.length ?? 0
    }
  }

  raw.on('readable', read)
  raw.on('end', leave)
  raw.on('close', leave)
  // A reset is followed by `close`.
  raw.on('error', ignore)
}

function ignore (): void {}
