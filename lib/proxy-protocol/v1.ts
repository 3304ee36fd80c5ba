/**
 * Version 1 of the PROXY protocol: one line of text (section 2.1 of its specification).
 *
 *     PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n
 */
import type { ProxyIpAddress, ProxyProtocol } from '../../types/proxy-protocol.js'
import { ipv4, ipv6, port } from './addresses.js'
import { complete, INCOMPLETE, wrong, type HeaderResult } from './result.js'

/** The start of every line. */
export const LINE_START = Buffer.from('PROXY ')

/** The longest line, with its CRLF. */
const LONGEST_LINE = 107

/**
 * Reads the line that a connection begins with.
 * @param bytes all bytes received so far; they may go beyond the line
 */
export function readLine (bytes: Buffer): HeaderResult {
  const end = bytes.subarray(0, LONGEST_LINE).indexOf('\r\n')
  if (end === -1) return bytes.length < LONGEST_LINE ? INCOMPLETE : wrong('line_too_long')
  const [, family, ...rest] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  // What follows UNKNOWN must be ignored, whatever it is.
  if (family === 'UNKNOWN') return complete({ version: 1, command: 'PROXY' }, length)
  if ((family !== 'TCP4' && family !== 'TCP6') || rest.length !== 4) return wrong('line_malformed')
  return readConnection(family, rest as [string, string, string, string], length)
}

function readConnection (
  family: 'TCP4' | 'TCP6', [from, to, fromPort, toPort]: [string, string, string, string], length: number
): HeaderResult {
  const [source, destination] = addressesOf(family, from, to)
  const [sourcePort, destinationPort] = [port(fromPort), port(toPort)]
  if (source === undefined || destination === undefined) return wrong('address_invalid')
  if (sourcePort === undefined || destinationPort === undefined) return wrong('port_invalid')
  const header: ProxyProtocol = {
    version: 1,
    command: 'PROXY',
    transport: 'stream',
    source: { ...source, port: sourcePort },
    destination: { ...destination, port: destinationPort }
  }
  return complete(header, length)
}

type Address = Pick<ProxyIpAddress, 'family' | 'address'>

/**
 * Reads both addresses. The specification requires both to be of the family that the line names.
 *
 * nginx names the family of the client's address, which its module realip may have replaced. It writes the address
 * that it was reached at unchanged, so one of the two may be of the other family. In a TCP6 line, an IPv4 address is
 * mapped to IPv6 (RFC 4291 section 2.5.5.2), as HAProxy sends it. In a TCP4 line the client must be IPv4, and an IPv6
 * destination stays IPv6.
 */
function addressesOf (family: 'TCP4' | 'TCP6', from: string, to: string): [source: Address | undefined, destination: Address | undefined] {
  if (family === 'TCP4') return [addressOf('IPv4', ipv4(from)), addressOf('IPv4', ipv4(to)) ?? addressOf('IPv6', ipv6(to))]
  const [source, destination] = [ipv6(from), ipv6(to)]
  // A TCP6 line without an IPv6 address contradicts itself.
  if (source === undefined && destination === undefined) return [undefined, undefined]
  return [addressOf('IPv6', source ?? mapped(from)), addressOf('IPv6', destination ?? mapped(to))]
}

function addressOf (family: 'IPv4' | 'IPv6', address: string | undefined): Address | undefined {
  return address === undefined ? undefined : { family, address }
}

function mapped (text: string): string | undefined {
  return ipv4(text) === undefined ? undefined : ipv6(`::ffff:${text}`)
}
