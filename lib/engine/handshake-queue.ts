/**
 * The pending handshakes of a server, and which of them to drop when there are too many.
 *
 * A good client needs milliseconds, or a second on a slow line. An attacker can only open many connections, each of
 * which looks like a slow client. Two things distinguish them: they are silent, or many share an address. So handshakes
 * are dropped in this order:
 *
 * 1. A peer that has sent nothing since half of the pending handshakes arrived. A client sends its hello in the first packet
 *    that it may send, so one that was silent for so long has nothing to send.
 * 2. The oldest of the address that holds most, if it holds more than an eighth. A smaller share may be many good clients
 *    behind one address.
 * 3. The oldest.
 *
 * All operations take constant time.
 */
import type { Socket } from 'node:net'

/** A network that holds more than one in SHARE of all places holds too many. */
export const SHARE = 8

/** What the queue needs of a connection. */
export interface PendingHandshake {
  readonly raw: Pick<Socket, 'bytesRead'>
  readonly remoteAddress: string | undefined
}

interface Entry {
  /** Number of this arrival. */
  readonly number: number
  /** The network of the peer. */
  network: string
}

export class HandshakeQueue<Connection extends PendingHandshake> {
  /** In order of arrival, as all sets below. */
  readonly #entries = new Map<Connection, Entry>()
  /** Peers that had sent nothing at the last check. */
  readonly #silent = new Set<Connection>()
  readonly #networks = new Map<string, Set<Connection>>()
  /** Networks beyond their share. When the queue is full there are fewer than SHARE of them. */
  readonly #largeNetworks = new Set<string>()
  #limit = Infinity
  #arrivals = 0

  get size (): number {
    return this.#entries.size
  }

  /** Sets how many there may be. */
  limit (limit: number): void {
    this.#limit = limit
  }

  add (connection: Connection): void {
    this.#entries.set(connection, { number: this.#arrivals++, network: '' })
    this.#silent.add(connection)
    this.#join(connection)
  }

  delete (connection: Connection): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    this.#removeFromNetwork(connection, entry)
    this.#entries.delete(connection)
    this.#silent.delete(connection)
  }

  /** A PROXY header has changed the address of a connection. */
  move (connection: Connection): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    this.#removeFromNetwork(connection, entry)
    this.#join(connection)
  }

  /** The one to drop next; undefined if the queue is empty. */
  get leastPromising (): Connection | undefined {
    return this.#silentPeer() ?? this.#oldestOfLargestNetwork() ?? this.#entries.keys().next().value
  }

  #silentPeer (): Connection | undefined {
    for (const connection of this.#silent) {
      // Each is deleted once at most, so the cost per arrival is constant.
      if (connection.raw.bytesRead > 0) this.#silent.delete(connection)
      else return this.#arrivals - (this.#entries.get(connection) as Entry).number > this.#entries.size / 2 ? connection : undefined
    }
    return undefined
  }

  #oldestOfLargestNetwork (): Connection | undefined {
    let largest: ReadonlySet<Connection> | undefined
    for (const network of this.#largeNetworks) {
      const peers = this.#networks.get(network) as ReadonlySet<Connection>
      if (largest === undefined || peers.size > largest.size) largest = peers
    }
    return largest?.values().next().value
  }

  #join (connection: Connection): void {
    const network = networkOf(connection.remoteAddress)
    const entry = this.#entries.get(connection) as Entry
    entry.network = network
    const peers = this.#networks.get(network) ?? new Set()
    peers.add(connection)
    this.#networks.set(network, peers)
    if (peers.size > this.#limit / SHARE) this.#largeNetworks.add(network)
  }

  #removeFromNetwork (connection: Connection, { network }: Entry): void {
    const peers = this.#networks.get(network) as Set<Connection>
    peers.delete(connection)
    if (peers.size <= this.#limit / SHARE) this.#largeNetworks.delete(network)
    if (peers.size === 0) this.#networks.delete(network)
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
