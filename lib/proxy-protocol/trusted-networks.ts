/** The networks whose hosts may name their client in a PROXY header. */
import { BlockList, isIPv4 } from 'node:net'
import { ipv6 } from './addresses.js'

/** Loopback, and the private ranges of RFC 1918 and RFC 4193. */
export const DEFAULT_NETWORKS = ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

/** An IPv4 address as a socket for both families shows it (RFC 4291 section 2.5.5.2). */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i
const MAPPED_PREFIX = 96

export class TrustedNetworks {
  /** One for each family: in a BlockList of Node, `::/0` contains all of IPv4. */
  readonly #ipv4 = new BlockList()
  readonly #ipv6 = new BlockList()
  /** The last address found inside. Proxies are few, and checking the lists takes as long as reading a header. */
  #last: string | undefined

  /** @param networks in CIDR notation, as parseEndpoint gives them */
  constructor (networks: readonly string[] = DEFAULT_NETWORKS) {
    for (const network of networks) {
      const [address, prefix] = network.split('/') as [string, string]
      const within = MAPPED.exec(ipv6(address) ?? '')?.[1]
      if (isIPv4(address)) this.#ipv4.addSubnet(address, Number(prefix), 'ipv4')
      else if (within !== undefined && Number(prefix) >= MAPPED_PREFIX) this.#ipv4.addSubnet(within, Number(prefix) - MAPPED_PREFIX, 'ipv4')
      else this.#ipv6.addSubnet(address, Number(prefix), 'ipv6')
    }
  }

  /** Whether an address, as a socket gives it, is in one of the networks. */
  has (address: string): boolean {
    if (address === this.#last) return true
    const inside = this.#find(address)
    if (inside) this.#last = address
    return inside
  }

  #find (address: string): boolean {
    const ipv4 = MAPPED.exec(address)?.[1] ?? address
    if (isIPv4(ipv4)) return this.#ipv4.check(ipv4, 'ipv4')
    // Node appends the zone to a link-local address.
    return this.#ipv6.check(address.replace(/%.*/s, ''), 'ipv6')
  }
}
