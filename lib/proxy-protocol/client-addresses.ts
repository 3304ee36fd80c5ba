/** Makes a socket show both ends of the connection that the proxy relays. */
import type { Socket } from 'node:net'
import type { ProxyProtocol } from '../../types/proxy-protocol.js'

/**
 * Puts the addresses of a header on a socket: the client as the remote end, and the address that it
 * connected to as the local end. These are what getpeername and getsockname would return if the client had
 * connected directly (section 2 of the specification). Without IP addresses in the header, the socket
 * keeps its own. `socket.address()` still returns the address that the proxy connected to.
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
