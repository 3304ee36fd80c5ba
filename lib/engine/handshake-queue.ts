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
 * All operations take constant time. The network of a peer matters only when there are too many, so it is determined then.
 */
import type { Socket } from 'node:net'
import { type Link, LinkedList } from './linked-list.js'
import { Networks } from './networks.js'

/** What the queue needs of a connection. */
export interface PendingHandshake {
  readonly raw: Pick<Socket, 'bytesRead'>
  readonly remoteAddress: string | undefined
  /** Set by the queue, for itself. */
  pending?: Pending | undefined
}

/** A handshake in the queue. */
interface Pending {
  /** Number of this arrival. */
  readonly number: number
  readonly place: Link<PendingHandshake>
  /** Its place among the peers of its network. */
  inNetwork: Link<PendingHandshake> | undefined
}

export class HandshakeQueue<Connection extends PendingHandshake> {
  /** In order of arrival. */
  readonly #handshakes = new LinkedList<PendingHandshake>()
  /** The oldest peer that had sent nothing at the last check. All later ones count as silent until the next check. */
  #silent: Link<PendingHandshake> | undefined
  /** Undefined while the limit is not reached. */
  #networks: Networks<PendingHandshake> | undefined
  /** How many handshakes there were when the networks were determined. */
  #lookedUp = 0
  #limit = Infinity
  #arrivals = 0

  get size (): number {
    return this.#handshakes.size
  }

  /** Sets how many there may be. */
  limit (limit: number): void {
    this.#limit = limit
    this.#forgetNetworks()
  }

  add (connection: Connection): void {
    const place = this.#handshakes.add(connection)
    this.#silent ??= place
    connection.pending = { number: this.#arrivals++, place, inNetwork: this.#networks?.add(connection) }
  }

  delete (connection: Connection): void {
    const { pending } = connection
    if (pending === undefined) return
    const { place, inNetwork } = pending
    if (inNetwork !== undefined) this.#networks?.remove(inNetwork)
    if (this.#silent === place) this.#silent = place.after
    this.#handshakes.remove(place)
    connection.pending = undefined
    // As many must have left as are looked up again, so the cost for each is constant.
    if (this.size < this.#lookedUp / 2) this.#forgetNetworks()
  }

  /** A PROXY header has changed the address of a connection. */
  move ({ pending }: Connection): void {
    if (pending?.inNetwork === undefined || this.#networks === undefined) return
    this.#networks.remove(pending.inNetwork)
    pending.inNetwork = this.#networks.add(pending.place.member)
  }

  /** The one to drop next; undefined if the queue is empty. */
  get leastPromising (): Connection | undefined {
    return (this.#silentPeer() ?? this.#lookUpNetworks().oldestOfLargest ?? this.#handshakes.first?.member) as Connection | undefined
  }

  #silentPeer (): PendingHandshake | undefined {
    // Each is passed once at most, so the cost for each arrival is constant.
    while (this.#silent !== undefined && this.#silent.member.raw.bytesRead > 0) this.#silent = this.#silent.after
    const peer = this.#silent?.member
    return peer !== undefined && this.#arrivals - (peer.pending as Pending).number > this.size / 2 ? peer : undefined
  }

  #lookUpNetworks (): Networks<PendingHandshake> {
    if (this.#networks !== undefined) return this.#networks
    const networks = new Networks<PendingHandshake>(this.#limit)
    for (const handshake of this.#handshakes) (handshake.pending as Pending).inNetwork = networks.add(handshake)
    this.#lookedUp = this.size
    this.#networks = networks
    return networks
  }

  #forgetNetworks (): void {
    if (this.#networks === undefined) return
    for (const handshake of this.#handshakes) (handshake.pending as Pending).inNetwork = undefined
    this.#networks = undefined
    this.#lookedUp = 0
  }
}
