/** The result of parsing a PROXY header, and all faults that a header can have. */
import type { ProxyProtocol } from '../../types/proxy-protocol.js'

/** The faults, with texts for the log that repeat nothing of what the client sent. */
export const FAULTS = {
  missing: 'the connection does not begin with a PROXY header: let the proxy send one (send-proxy, send-proxy-v2, ' +
    'proxy_protocol on), or remove haproxy: from the endpoint',
  late: 'the PROXY header did not arrive in time',
  line_too_long: 'the first 107 bytes of the header of version 1 contain no CRLF',
  line_malformed: 'a header of version 1 must be PROXY UNKNOWN, or PROXY, TCP4 or TCP6, two addresses and two ports ' +
    'with single spaces between them',
  address_invalid: 'an address in the header is not of the family that the header names',
  port_invalid: 'a port in the header is not a decimal number from 0 to 65535 without leading zeros',
  version_unknown: 'the version of the binary header is not 2',
  command_unknown: 'the command in the header is neither LOCAL nor PROXY',
  family_unknown: 'the address family or the transport protocol in the header is unknown',
  addresses_cut_short: 'the header is too short for the addresses of its family',
  vector_malformed: 'the header has a type-length-value vector that does not fit',
  vector_repeated: 'the header has two vectors of one type',
  checksum_wrong: 'the checksum of the header is wrong'
} as const

export type HeaderFault = keyof typeof FAULTS

/** A header with its length in bytes; `incomplete`, with the length once it is known; or the fault. */
export type HeaderResult =
  | { readonly state: 'complete', readonly header: ProxyProtocol, readonly length: number }
  | { readonly state: 'incomplete', readonly length?: number }
  | { readonly state: 'wrong', readonly fault: HeaderFault }

export const INCOMPLETE: HeaderResult = { state: 'incomplete' }

export function complete (header: ProxyProtocol, length: number): HeaderResult {
  return { state: 'complete', header, length }
}

export function wrong (fault: HeaderFault): HeaderResult {
  return { state: 'wrong', fault }
}
