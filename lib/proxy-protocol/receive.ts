/**
 * Reads the PROXY header from a raw socket, and leaves the rest in the socket: TLS or HTTP begins where the header ends.
 */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import { type Clock, readFirstBytes } from '../transports/first-bytes.js'
import { readHeader } from './header.js'
import type { HeaderFault } from './result.js'

/** The outcome for a connection: one of the three is called, once. */
interface HeaderOutcome {
  received (header: ProxyProtocol): void
  /** The header is invalid. The connection has been destroyed. */
  refused (fault: HeaderFault): void
  /** The peer closed the connection before the end of a header, for example because it only checked whether the port is open. */
  closed (): void
}

/**
 * Waits for the header that the connection must begin with.
 * @param raw a connected socket of which nothing has been read
 * @param timing how many milliseconds the whole header may take, and by which clock
 */
export function receiveHeader (raw: Socket, timing: { timeout: number, clock: Clock }, outcome: HeaderOutcome): void {
  function refuse (fault: HeaderFault): void {
    raw.destroy()
    outcome.refused(fault)
  }

  readFirstBytes(raw, timing, {
    look (all) {
      const result = readHeader(all)
      if (result.state === 'incomplete') return result.length ?? 0
      if (result.state === 'wrong') return () => refuse(result.fault)
      return () => {
        if (result.length < all.length) raw.unshift(all.subarray(result.length))
        outcome.received(result.header)
      }
    },
    late: () => refuse('late'),
    closed: () => outcome.closed()
  })
}
