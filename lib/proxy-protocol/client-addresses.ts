/** Makes a socket show both ends of the connection that the proxy relays. */
import type { Socket } from 'node:net'
import type { ProxyIpAddress, ProxyProtocol } from '../../types/proxy-protocol.js'

/**
 * Puts the addresses of a header on a socket: the client as the remote end, and the address that it
 * connected to as the local end. These are what getpeername and getsockname would return if the client had
 * connected directly (section 2 of the specification). Without IP addresses in the header, the socket
 * keeps its own. `socket.address()` still returns the address that the proxy connected to.
 */
export function showClient (socket: Socket, { source, destination }: ProxyProtocol): void {
  if (source === undefined || source.family === 'unix' || destination === undefined || destination.family === 'unix') return
  // eslint-disable-next-line no-new -- it defines its fields on the socket
  new Addresses(socket, source, destination)
}

/** A constructor that returns another object: the fields of a subclass are then defined on that object. */
class Fields {
  constructor (socket: Socket) {
    return socket
  }
}

/**
 * The own properties of a socket, which hide the getters of its prototype. Object.defineProperties would take twenty times as long,
 * and make the socket slower.
 */
class Addresses extends Fields {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly remoteFamily: string
  readonly localAddress: string
  readonly localPort: number
  readonly localFamily: string

  constructor (socket: Socket, source: ProxyIpAddress, destination: ProxyIpAddress) {
    super(socket)
    this.remoteAddress = source.address
    this.remotePort = source.port
    this.remoteFamily = source.family
    this.localAddress = destination.address
    this.localPort = destination.port
    this.localFamily = destination.family
  }
}
