/** TCP over IPv4 and IPv6, for the types tcp, tcp6, ssl and tls. */
import dns, { type LookupAddress } from 'node:dns'
import { isIP, type ListenOptions } from 'node:net'
import { errors, located } from '../errors.js'
import type { SslEndpoint, Tcp6Endpoint, TcpEndpoint, TlsEndpoint } from '../../types/endpoint.js'
import { listenError, openServer, type Transport, type TransportOptions } from './listening.js'

type TcpLike = TcpEndpoint | Tcp6Endpoint | SslEndpoint | (TlsEndpoint & { port: number })

/**
 * Opens a TCP port.
 * @throws FST_ENDPOINT_ADDRESS_IN_USE, FST_ENDPOINT_ADDRESS_FORBIDDEN, FST_ENDPOINT_ADDRESS_UNAVAILABLE,
 *   FST_ENDPOINT_LISTEN, FST_ENDPOINT_REUSE_PORT
 */
export async function openTcp (endpoint: TcpLike, options: TransportOptions): Promise<Transport> {
  const where: ListenOptions & { reusePort?: boolean } = {
    port: endpoint.port,
    // Without a host, Node would bind :: for both families, but the string promises IPv4 only.
    host: endpoint.interface === '' ? '0.0.0.0' : endpoint.interface,
    backlog: endpoint.backlog
  }
  if (endpoint.type === 'tcp6') where.ipv6Only = endpoint.ipv6Only
  if (endpoint.type === 'tcp' && endpoint.reusePort) {
    // Node 20 takes the option and ignores it: the second process would fail with EADDRINUSE.
    if (!knowsReusePort(process.versions.node)) {
      throw located(new errors.FST_ENDPOINT_REUSE_PORT(process.version), { endpoint: endpoint.description, argument: 'reusePort' })
    }
    where.reusePort = true
  }
  where.host = await addressOf(where.host as string, endpoint.type === 'tcp6' ? 6 : 4)
    .catch((error) => { throw listenError(endpoint.description, where, error) })
  return openServer(endpoint.description, where, options)
}

/**
 * The address of a host name, preferably of the family of the type. Node uses the first one, which for localhost is
 * often ::1, where IPv4 clients cannot connect.
 */
async function addressOf (host: string, family: 4 | 6): Promise<string> {
  if (isIP(host) !== 0) return host
  const addresses = await new Promise<LookupAddress[]>((resolve, reject) => {
    dns.lookup(host, { all: true }, (error, addresses) => error === null ? resolve(addresses) : reject(error))
  })
  return (addresses.find((address) => address.family === family) ?? addresses[0])?.address ?? host
}

/** `reusePort` came with Node 23.1 and 22.12 (Node's documentation of net.Server.listen). */
export function knowsReusePort (version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)
}
