/** Makes a socket show both ends of the connection that the proxy relays. */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'

/**
 * Puts the addresses of a header on a socket: the client as the remote end, and what it connected to as
 * the local one (section 2 of the specification: what getpeername and getsockname would tell if the client
 * had connected directly). Without IP addresses in the header the socket keeps its own.
 * `socket.address()` goes on to tell where the proxy has connected to.
 */
export function showClient (socket: Socket, { source, destination }: ProxyProtocol): void {
  if (source === undefined || source.family === 'unix' || destination === undefined || destination.family === 'unix') return
  Object.defineProperties(socket, {
    remoteAddress: fixed(source.address),
    remotePort: fixed(source.port),
    remoteFamily: fixed(source.family),
    localAddress: fixed(destination.address),
    localPort: fixed(destination.port),
    localFamily: fixed(destination.family)
  })
}

function fixed (value: string | number): PropertyDescriptor {
  return { value, configurable: true, enumerable: false, writable: false }
}
