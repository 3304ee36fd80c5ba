/**
 * What tells series apart: short texts without anything unseen in them. None of them is a client's; all
 * come from the endpoint string, from the names of files, and from CRLs that an authority has signed.
 */
import { quoteEndpointArgument, type UnwrappedEndpoint } from '../description/index.js'
import { visible } from '../text/printable.js'

const LONGEST = 120

/** The part of an endpoint string that says where: `tls:8443`, `haproxy:tcp:8080:interface=10.0.0.1`, `unix:/run/app.sock`. */
export function endpointLabel (endpoint: UnwrappedEndpoint, proxied: boolean): string {
  return bounded(`${proxied ? 'haproxy:' : ''}${placeOf(endpoint)}`)
}

/** The beginning of a text. */
export function bounded (text: string): string {
  return text.length <= LONGEST ? visible(text) : `${visible(text.slice(0, LONGEST))}…`
}

/** The end of a path, which is what tells it from others. */
export function fileLabel (path: string): string {
  return path.length <= LONGEST ? visible(path) : `…${visible(path.slice(-LONGEST))}`
}

function placeOf (endpoint: UnwrappedEndpoint): string {
  switch (endpoint.type) {
    case 'tcp':
    case 'ssl':
      return `${endpoint.type}:${endpoint.port}${interfaceOf(endpoint.interface, '')}`
    case 'tcp6':
      return `tcp6:${endpoint.port}${interfaceOf(endpoint.interface, '::')}`
    case 'tls':
      return endpoint.transport === undefined
        ? `tls:${endpoint.port}${interfaceOf(endpoint.interface, '')}`
        : `tls:transport=${quoteEndpointArgument(placeOf(endpoint.transport))}`
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
