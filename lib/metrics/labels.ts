/**
 * Label values: short and printable. None comes from a client; all come from endpoint strings, file names, and CRLs that an
 * authority has signed.
 */
import { quoteEndpointArgument, type UnwrappedEndpoint } from '../description/index.js'
import { visible } from '../text/printable.js'

const LONGEST = 120

/** The address part of an endpoint string: `tls:8443`, `haproxy:tcp:8080:interface=10.0.0.1`, `unix:/run/app.sock`. */
export function endpointLabel (endpoint: UnwrappedEndpoint, proxied: boolean): string {
  return bounded(`${proxied ? 'haproxy:' : ''}${addressOf(endpoint)}`)
}

/** The beginning of a text, printable. */
export function bounded (text: string): string {
  return text.length <= LONGEST ? visible(text) : `${visible(text.slice(0, LONGEST))}…`
}

/** The end of a path, which distinguishes it best. */
export function fileLabel (path: string): string {
  return path.length <= LONGEST ? visible(path) : `…${visible(path.slice(-LONGEST))}`
}

function addressOf (endpoint: UnwrappedEndpoint): string {
  switch (endpoint.type) {
    case 'tcp':
    case 'ssl':
      return `${endpoint.type}:${endpoint.port}${interfaceOf(endpoint.interface, '')}`
    case 'tcp6':
      return `tcp6:${endpoint.port}${interfaceOf(endpoint.interface, '::')}`
    case 'tls':
      return endpoint.transport === undefined
        ? `tls:${endpoint.port}${interfaceOf(endpoint.interface, '')}`
        : `tls:transport=${quoteEndpointArgument(addressOf(endpoint.transport))}`
    case 'unix':
      return `unix:${quoteEndpointArgument(endpoint.address)}`
    case 'systemd':
      return `systemd:${endpoint.domain}:${endpoint.name === undefined ? endpoint.index : `name=${quoteEndpointArgument(endpoint.name)}`}`
    case 'fd':
      return `fd:${endpoint.fileno}`
    case 'stdio':
      return 'stdio'
  }
}

function interfaceOf (address: string, usual: string): string {
  return address === usual ? '' : `:interface=${quoteEndpointArgument(address)}`
}
