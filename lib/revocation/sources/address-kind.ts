/**
 * The kind of an IP address, which decides whether a response from outside may redirect there.
 */
import { BlockList, isIPv4 } from 'node:net'

export type AddressKind = 'loopback' | 'link-local' | 'private' | 'public'

const KINDS: ReadonlyArray<readonly [Exclude<AddressKind, 'public'>, BlockList]> = [
  ['loopback', listOf([['127.0.0.0', 8], ['0.0.0.0', 8]], [['::1', 128], ['::', 128]])],
  // The metadata services of clouds are here.
  ['link-local', listOf([['169.254.0.0', 16]], [['fe80::', 10]])],
  // RFC 1918, RFC 6598, RFC 2544, RFC 4193; and IPv6 ranges that translate to an IPv4 address, which is
  // not examined.
  ['private', listOf(
    [['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['198.18.0.0', 15], ['192.0.0.0', 24], ['224.0.0.0', 3]],
    [
      ['fc00::', 7], ['fec0::', 10], ['ff00::', 8], ['::', 96], ['::ffff:0:0:0', 96], ['64:ff9b::', 96],
      ['64:ff9b:1::', 48], ['2002::', 16], ['2001::', 32]
    ]
  )]
]

/** The kind of an address. An IPv4-mapped IPv6 address has the kind of its IPv4 address. */
export function kindOf (address: string): AddressKind {
  const [, mapped = address] = /^::ffff:([0-9.]+)$/i.exec(address) ?? []
  const [unscoped = mapped] = mapped.split('%')
  const family = isIPv4(unscoped) ? 'ipv4' : 'ipv6'
  return KINDS.find(([, list]) => list.check(unscoped, family))?.[0] ?? 'public'
}

function listOf (four: ReadonlyArray<[string, number]>, six: ReadonlyArray<[string, number]>): BlockList {
  const list = new BlockList()
  for (const [network, bits] of four) list.addSubnet(network, bits, 'ipv4')
  for (const [network, bits] of six) list.addSubnet(network, bits, 'ipv6')
  return list
}
