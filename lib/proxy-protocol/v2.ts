/**
 * Version 2 of the PROXY protocol: a binary header (section 2.2 of its specification).
 *
 *     signature (12 bytes) | version, command | family, transport | length (2) | addresses | vectors
 *
 * Only the two-byte length field limits its size, since the vectors may contain the client's certificate.
 */
import type { ProxyAddress, ProxyProtocol } from '../../types/proxy-protocol.js'
import { ipv6 } from './addresses.js'
import { complete, INCOMPLETE, wrong, type HeaderResult } from './result.js'
import { findChecksumFault, readVectors, splitVectors, type Vector } from './vectors.js'

export const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Bytes up to and including the length field. */
const FIXED = 16

const LOCAL = 0
const PROXY = 1

/** Bytes of the addresses and ports of each family: AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX. */
const ADDRESS_LENGTHS = [0, 12, 36, 216] as const
const UNSPEC = 0
const INET = 1
const INET6 = 2

/** SOCK_STREAM and SOCK_DGRAM; 0 is UNSPEC. */
const TRANSPORTS = [undefined, 'stream', 'datagram'] as const

/**
 * Reads the header that a connection begins with.
 * @param bytes all bytes received so far; they may go beyond the header
 */
export function readBinary (bytes: Buffer): HeaderResult {
  if (bytes.length < FIXED) return INCOMPLETE
  const versionAndCommand = bytes.readUInt8(12)
  if (versionAndCommand >> 4 !== 2) return wrong('version_unknown')
  const command = versionAndCommand & 0xf
  if (command !== LOCAL && command !== PROXY) return wrong('command_unknown')
  const length = FIXED + bytes.readUInt16BE(14)
  if (bytes.length < length) return { state: 'incomplete', length }
  const header = bytes.subarray(0, length)
  return command === LOCAL ? readLocal(header) : readProxied(header)
}

/** LOCAL: the specification discards the rest, family included. Only the checksum is verified. */
function readLocal (header: Buffer): HeaderResult {
  const fault = findChecksumFault(header, possibleVectors(header))
  return fault === undefined ? complete({ version: 2, command: 'LOCAL' }, header.length) : wrong(fault)
}

function readProxied (header: Buffer): HeaderResult {
  const { family, transport } = familyOf(header)
  if (family >= ADDRESS_LENGTHS.length || transport >= TRANSPORTS.length) return wrong('family_unknown')
  const transportName = TRANSPORTS[transport]
  if (family === UNSPEC || transportName === undefined) {
    return withVectors(header, possibleVectors(header), { version: 2, command: 'PROXY' })
  }
  const addressesEnd = FIXED + (ADDRESS_LENGTHS[family] as number)
  if (header.length < addressesEnd) return wrong('addresses_cut_short')
  const vectors = splitVectors(header, addressesEnd)
  if (vectors === undefined) return wrong('vector_malformed')
  return withVectors(header, vectors, { version: 2, command: 'PROXY', transport: transportName, ...addressesOf(header, family) })
}

function withVectors (header: Buffer, vectors: readonly Vector[], addressed: ProxyProtocol): HeaderResult {
  if (vectors.length === 0) return complete(addressed, header.length)
  const fault = findChecksumFault(header, vectors)
  if (fault !== undefined) return wrong(fault)
  const fields = readVectors(vectors)
  return typeof fields === 'string' ? wrong(fields) : complete({ ...addressed, ...fields }, header.length)
}

/**
 * The vectors of a header whose addresses are ignored. The specification does not say where the vectors begin in that
 * case, so they are expected at the usual place. Bytes there that are not vectors are skipped.
 */
function possibleVectors (header: Buffer): Vector[] {
  return splitVectors(header, FIXED + (ADDRESS_LENGTHS[familyOf(header).family] ?? 0)) ?? []
}

function familyOf (header: Buffer): { family: number, transport: number } {
  const byte = header.readUInt8(13)
  return { family: byte >> 4, transport: byte & 0xf }
}

function addressesOf (header: Buffer, family: number): { source: ProxyAddress, destination: ProxyAddress } {
  if (family === INET || family === INET6) {
    const [size, name, read] = family === INET ? [4, 'IPv4', ipv4Address] as const : [16, 'IPv6', ipv6Address] as const
    const end = FIXED + 2 * size
    return {
      source: { family: name, address: read(header, FIXED), port: header.readUInt16BE(end) },
      destination: { family: name, address: read(header, FIXED + size), port: header.readUInt16BE(end + 2) }
    }
  }
  return {
    source: { family: 'unix', path: unixPath(header.subarray(FIXED, FIXED + 108)) },
    destination: { family: 'unix', path: unixPath(header.subarray(FIXED + 108, FIXED + 216)) }
  }
}

function ipv4Address (header: Buffer, start: number): string {
  return `${header[start]}.${header[start + 1]}.${header[start + 2]}.${header[start + 3]}`
}

function ipv6Address (header: Buffer, start: number): string {
  const groups = Array.from({ length: 8 }, (_, group) => header.readUInt16BE(start + 2 * group).toString(16))
  return ipv6(groups.join(':')) as string
}

/** A path ends at the first NUL. A name of the abstract namespace begins with a NUL, and is padded with NULs. */
function unixPath (bytes: Buffer): string {
  const end = bytes.indexOf(0, 1)
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : bytes[0] === 0 && end === 1 ? 0 : end)
}
