/** Addresses of rules and certificates as bytes: 4 for IPv4, 16 for IPv6. The two kinds are never compared. */
import { isIPv4 } from 'node:net'

/** @param address an address that `isIP` of node:net accepts, without a zone */
export function addressBytes (address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number)
  const [head = '', tail] = address.split('::')
  const before = groupBytes(head)
  const after = tail === undefined ? [] : groupBytes(tail)
  return Uint8Array.from([...before, ...Array.from({ length: 16 - before.length - after.length }, () => 0), ...after])
}

function groupBytes (text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (isIPv4(group)) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** Whether a bit beyond the first `bits` is set. */
export function hasHostBits (bytes: Uint8Array, bits: number): boolean {
  return bytes.some((byte, at) => (byte & 0xff >> Math.min(8, Math.max(0, bits - at * 8))) !== 0)
}
