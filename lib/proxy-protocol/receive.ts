/**
 * Reads the PROXY header from a raw socket, and hands on the rest: TLS or HTTP begins where the header ends.
 */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import { type FirstBytesOptions, readFirstBytes } from '../transports/first-bytes.js'
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
 * @param options `flows`: whether `received` makes somebody listen to the socket, who then gets the rest at once. Without it, the
 *   rest waits in the socket, which is paused. Pausing costs a connection as much as reading its header.
 */
export function receiveHeader (raw: Socket, options: FirstBytesOptions, outcome: HeaderOutcome): void {
  const { flows = false } = options

  function refuse (fault: HeaderFault): void {
    raw.destroy()
    outcome.refused(fault)
  }

  readFirstBytes(raw, options, {
    look (all) {
      const result = readHeader(all)
      if (result.state === 'incomplete') return result.length ?? 0
      if (result.state === 'wrong') return () => refuse(result.fault)
      return () => {
        const rest = result.length < all.length ? all.subarray(result.length) : undefined
        if (rest !== undefined && !flows) raw.unshift(rest)
        try {
          outcome.received(result.header)
        } finally {
          // A listener of the app may have thrown. HTTP reads on all the same, and would take the middle of a request for its begin.
          if (rest !== undefined && flows) deliver(raw, rest)
        }
      }
    },
    late: () => refuse('late'),
    closed: () => outcome.closed()
  })
}

/** A listener of the app may have paused the socket, or destroyed it. */
function deliver (raw: Socket, rest: Buffer): void {
  if (raw.destroyed) return
  if (raw.readableFlowing === true) raw.emit('data', rest)
  else {
    raw.unshift(rest)
    // HTTP reads at the handle, where later bytes would overtake these. With another listener it reads from the socket.
    raw.on('data', ignore).removeListener('data', ignore)
  }
}

const ignore = (): void => {}
