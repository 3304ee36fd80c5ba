/**
 * Which networks some peers are in, and which of them holds too many.
 */
import { type Link, LinkedList } from './linked-list.js'

/** A network that holds more than one in SHARE of all places holds too many. */
export const SHARE = 8

interface Peer {
  readonly remoteAddress: string | undefined
}

/** The peers of one network, oldest first. */
class Network<P> extends LinkedList<P> {
  readonly name: string

  constructor (name: string) {
    super()
    this.name = name
  }
}

export class Networks<P extends Peer> {
  readonly #networks = new Map<string, Network<P>>()
  /** Those beyond their share. When all places are taken there are fewer than SHARE of them. */
  readonly #large = new Set<Network<P>>()
  readonly #share: number

  /** @param places how many peers there may be */
  constructor (places: number) {
    this.#share = places / SHARE
  }

  /** @returns its place, to remove it again */
  add (peer: P): Link<P> {
    const name = networkOf(peer.remoteAddress)
    const network = this.#networks.get(name) ?? new Network<P>(name)
    this.#networks.set(name, network)
    const place = network.add(peer)
    if (network.size > this.#share) this.#large.add(network)
    return place
  }

  remove (place: Link<P>): void {
    const network = place.list as Network<P>
    network.remove(place)
    if (network.size <= this.#share) this.#large.delete(network)
    if (network.size === 0) this.#networks.delete(network.name)
  }

  /** The oldest peer of the network that holds most, if it holds more than its share. */
  get oldestOfLargest (): P | undefined {
    let largest: Network<P> | undefined
    for (const network of this.#large) if (largest === undefined || network.size > largest.size) largest = network
    return largest?.first?.member
  }
}

/**
 * A peer may have many IPv6 addresses, so their first 64 bits count (RFC 6177 section 2). All peers of a unix socket count
 * as one.
 */
export function networkOf (address: string | undefined): string {
  if (address === undefined) return 'unix'
  if (!address.includes(':') || address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  // `::` replaces as many zeros as are missing from eight groups.
  const [front, back] = address.split('::').map((half) => half === '' ? [] : half.split(':')) as [string[], string[]?]
  const zeros = back === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0')
  return [...front, ...zeros, ...back ?? []].slice(0, 4).join(':')
}
