/**
 * Version 1 of the PROXY protocol: one line of text (section 2.1 of its specification).
 *
 *     PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n
 */
import type { ProxyProtocol } from '../../types/proxy-protocol.js'
import { ipv4, ipv6, port } from './addresses.js'
import { complete, INCOMPLETE, wrong, type Reading } from './reading.js'

/** What every line begins with. */
export const LINE_START = Buffer.from('PROXY ')

/** The longest line, with its CRLF. */
const LONGEST_LINE = 107

const FAMILIES = { TCP4: { family: 'IPv4', read: ipv4 }, TCP6: { family: 'IPv6', read: ipv6 } } as const

/**
 * Reads the line that a connection begins with.
 * @param bytes what has come so far, from the start; it may hold more than the line
 */
export function readLine (bytes: Buffer): Reading {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf('\r\n')
  if (end === -1) return bytes.length < LONGEST_LINE ? INCOMPLETE : wrong('line_too_long')
  const [, family, ...rest] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  // What follows UNKNOWN must be ignored, whatever it is.
  if (family === 'UNKNOWN') return complete({ version: 1, command: 'PROXY' }, length)
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length !== 4) return wrong('line_malformed')
  return readConnection(FAMILIES[family], rest as [string, string, string, string], length)
}

function readConnection ({ family, read }: typeof FAMILIES['TCP4' | 'TCP6'], [from, to, fromPort, toPort]: [string, string, string, string], length: number): Reading {
  const [source, destination, sourcePort, destinationPort] = [read(from), read(to), port(fromPort), port(toPort)]
  if (source === undefined || destination === undefined) return wrong('address_invalid')
  if (sourcePort === undefined || destinationPort === undefined) return wrong('port_invalid')
  const header: ProxyProtocol = {
    version: 1,
    command: 'PROXY',
    transport: 'stream',
    source: { family, address: source, port: sourcePort },
    destination: { family, address: destination, port: destinationPort }
  }
  return complete(header, length)
}
