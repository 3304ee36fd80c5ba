/**
 * The handshakes that are under way on a server, and which of them makes room where there are too many.
 *
 * A good client is done in milliseconds, but on a slow line it takes a second. Whoever wants to crowd it
 * out has nothing but many connections, of which each looks like a slow client; what gives them away is
 * that they say nothing, or that they are so many of one address. So this goes first:
 *
 * 1. Who has not sent a byte while half of the others came. A client sends its hello with the first
 *    packet that it may send, so that who was silent for that long has nothing to say.
 * 2. The oldest of the address that holds most, if that is more than an eighth of all. A smaller share may
 *    be a house full of good clients behind one address.
 * 3. The oldest.
 *
 * All of it takes the same time with one handshake and with thousands.
 */
import type { Socket } from 'node:net'

/** One that has an eighth of all places for itself has too many. */
export const SHARE = 8

/** What is asked of a connection. */
export interface PendingHandshake {
  readonly raw: Pick<Socket, 'bytesRead'>
  readonly remoteAddress: string | undefined
}

interface Entry {
  /** Counts those who came. */
  readonly number: number
  /** The network that it came from. */
  network: string
}

export class HandshakeQueue<Connection extends PendingHandshake> {
  /** In the order in which they came, as are all of these. */
  readonly #places = new Map<Connection, Entry>()
  /** Those that had sent nothing when they were last looked at. */
  readonly #silent = new Set<Connection>()
  readonly #networks = new Map<string, Set<Connection>>()
  /** The networks that have more than their share; so there are fewer than SHARE of them where there is no room. */
  readonly #crowded = new Set<string>()
  #most = Infinity
  #came = 0

  get size (): number {
    return this.#places.size
  }

  /** How many there may be. */
  limit (most: number): void {
    this.#most = most
  }

  add (connection: Connection): void {
    this.#places.set(connection, { number: this.#came++, network: '' })
    this.#silent.add(connection)
    this.#join(connection)
  }

  delete (connection: Connection): void {
    const place = this.#places.get(connection)
    if (place === undefined) return
    this.#leave(connection, place)
    this.#places.delete(connection)
    this.#silent.delete(connection)
  }

  /** It has turned out that a connection comes from another address. */
  move (connection: Connection): void {
    const place = this.#places.get(connection)
    if (place === undefined) return
    this.#leave(connection, place)
    this.#join(connection)
  }

  /** Who goes first; undefined where there is nobody. */
  get leastPromising (): Connection | undefined {
    return this.#firstSilent() ?? this.#firstOfCrowd() ?? this.#places.keys().next().value
  }

  #firstSilent (): Connection | undefined {
    for (const connection of this.#silent) {
      // Everybody is taken out once, whenever that is: so this costs nothing more for each who came.
      if (connection.raw.bytesRead > 0) this.#silent.delete(connection)
      else return this.#came - (this.#places.get(connection) as Entry).number > this.#places.size / 2 ? connection : undefined
    }
    return undefined
  }

  #firstOfCrowd (): Connection | undefined {
    let largest: ReadonlySet<Connection> | undefined
    for (const network of this.#crowded) {
      const crowd = this.#networks.get(network) as ReadonlySet<Connection>
      if (largest === undefined || crowd.size > largest.size) largest = crowd
    }
    return largest?.values().next().value
  }

  #join (connection: Connection): void {
    const network = networkOf(connection.remoteAddress)
    const place = this.#places.get(connection) as Entry
    place.network = network
    const crowd = this.#networks.get(network) ?? new Set()
    crowd.add(connection)
    this.#networks.set(network, crowd)
    if (crowd.size > this.#most / SHARE) this.#crowded.add(network)
  }

  #leave (connection: Connection, { network }: Entry): void {
    const crowd = this.#networks.get(network) as Set<Connection>
    crowd.delete(connection)
    if (crowd.size <= this.#most / SHARE) this.#crowded.delete(network)
    if (crowd.size === 0) this.#networks.delete(network)
  }
}

/**
 * What one peer can have many addresses of counts as one: of IPv6 the first 64 bits (RFC 6177 section 2).
 * All of a unix socket are one too.
 */
export function networkOf (address: string | undefined): string {
  if (address === undefined) return 'unix'
  if (!address.includes(':') || address.includes('.')) return address.slice(address.lastIndexOf(':') + 1)
  // `::` stands for as many zeros as make eight groups of it.
  const [front, back] = address.split('::').map((half) => half === '' ? [] : half.split(':')) as [string[], string[]?]
  const zeros = back === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0')
  return [...front, ...zeros, ...back ?? []].slice(0, 4).join(':')
}
