/** Parses addresses and ports strictly: other programs may read a sloppy one as another. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** An IPv4 address in dotted decimal without leading zeros, or undefined. */
export function ipv4 (text: string): string | undefined {
  return isIPv4(text) ? text : undefined
}

/** An IPv6 address in the form that Node uses, or undefined. A zone is not allowed, since it means nothing on another host. */
export function ipv6 (text: string): string | undefined {
  if (!isIPv6(text) || text.includes('%')) return undefined
  return new SocketAddress({ address: text, family: 'ipv6' }).address
}

/** A port in decimal without leading zeros, or undefined. */
export function port (text: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65535 ? Number(text) : undefined
}
