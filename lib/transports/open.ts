/** From a description to an open transport: the one place that knows which file opens which type. */
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Transport, TransportOptions } from './listening.js'
import { openFd } from './fd.js'
import { openStdio } from './stdio.js'
import { openSystemd } from './systemd.js'
import { openTcp } from './tcp.js'
import { openUnix } from './unix.js'
import type { UnwrappedEndpoint } from '../description/index.js'

/** Opens what an endpoint listens on. See the file of each transport for what it throws. */
export async function openTransport (endpoint: UnwrappedEndpoint, options: TransportOptions): Promise<Transport> {
  switch (endpoint.type) {
    case 'tcp':
    case 'tcp6':
    case 'ssl':
      return openTcp(endpoint, options)
    case 'unix':
      return openUnix(endpoint, options)
    case 'systemd':
      return openSystemd(endpoint, options)
    case 'fd':
      return openFd(endpoint, options)
    case 'stdio':
      return openStdio(endpoint, options)
    case 'tls':
      // An error names the whole string, of which the transport is a part.
      if (endpoint.transport !== undefined) return openTransport({ ...endpoint.transport, description: endpoint.description }, options)
      return openTcp(endpoint as TlsEndpoint & { port: number }, options)
  }
}
