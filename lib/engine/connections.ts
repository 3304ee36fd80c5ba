/**
 * The open connections of a server: all of them, from the moment the kernel hands them over, so that
 * a close never waits for a peer that says nothing, and a swap of the revoked certificates reaches
 * everybody who is in.
 *
 * A handshake and a swap cannot miss each other. The verdict and the registration of who was admitted
 * happen in one synchronous step. So do the assignment of the new set and the step to the next
 * generation, and the walk over the connections begins in the same step: whoever was registered before
 * is met by the walk (it goes over the live set, in order of registration), and whoever comes later was
 * judged by the new set.
 */
import type { Socket } from 'node:net'
import { Connection, CHECK_INTERVAL, type ConnectionCounts, type Origin } from './connection.js'
import { descriptors } from '../descriptors.js'
import { HandshakeQueue, SHARE } from './handshake-queue.js'
import { Slices } from '../turns.js'
import { endStalled } from './stalled-peers.js'
import type { Gate } from '../tls/gate.js'
import { descriptorOf } from '../tls/undocumented.js'

/** Each so many looks, the peers that take nothing are looked for. */
const STALLS = 5

/** Handshakes that make room where there are no descriptors left. */
const ROOM = 10

/** How many connections, and how many of them in their handshake, there may be at the same time. */
export interface ConnectionLimits {
  readonly connections: number
  readonly handshakes: number
}

/** The connections of one server. */
export class Connections {
  readonly #open = new Set<Connection>()
  /** Those that HTTP has not got yet. */
  readonly #handshakes = new HandshakeQueue<Connection>()
  #bounds: ConnectionLimits = { connections: Infinity, handshakes: Infinity }
  #drained: (() => void) | undefined
  /** Told of a socket that there is no room for, before it is destroyed. */
  onDrop: ((raw: Socket) => void) | undefined
  #isClosing = false
  #watch: NodeJS.Timeout | undefined

  get size (): number {
    return this.#open.size
  }

  /** How many came by each origin, and how many of them HTTP has got. */
  get byOrigin (): Map<Origin | undefined, { all: number, established: number }> {
    const counts = new Map<Origin | undefined, { all: number, established: number }>()
    for (const { origin, established } of this.#open) {
      const count = counts.get(origin) ?? { all: 0, established: 0 }
      counts.set(origin, count)
      count.all++
      if (established) count.established++
    }
    return counts
  }

  /** How many there may be at the same time. */
  limit (bounds: ConnectionLimits): void {
    this.#bounds = bounds
    this.#handshakes.limit(Math.min(bounds.handshakes, bounds.connections))
  }

  /**
   * Registers a raw socket that was just accepted, until it closes.
   *
   * Where there are too many handshakes, one of them makes room. So it does where there are too many
   * connections, or too few descriptors, and handshakes are more than a few of them: who stalls must not keep
   * the places of those who would come in.
   * @param shakes whether it has to go through layers before HTTP gets it
   * @returns undefined where there are too many connections; the socket is destroyed then
   */
  add (raw: Socket, gate: Gate | undefined, origin?: Origin, shakes = true): Connection | undefined {
    const { connections, handshakes } = this.#bounds
    const isScarce = !descriptors.hasRoomFor(descriptorOf(raw))
    const mayMakeRoom = this.#handshakes.size > connections / SHARE
    const isFull = (isScarce || this.#open.size >= connections) && mayMakeRoom
    if (isFull || (shakes && this.#handshakes.size >= handshakes)) this.#makeRoom()
    if (this.#open.size >= connections || (isScarce && !mayMakeRoom)) {
      this.onDrop?.(raw)
      raw.destroy()
      descriptors.closed()
      origin?.reject(isScarce ? 'descriptors' : 'connections')
      return undefined
    }
    const connection = new Connection(raw, gate, origin, this.#handshakes)
    this.#open.add(connection)
    this.#watch ??= this.#startLooking()
    if (shakes) this.#handshakes.add(connection)
    raw.once('close', () => { this.#forget(connection) })
    return connection
  }

  /** Ends some of the handshakes, for a file that cannot be opened else. */
  freeDescriptors (): void {
    for (let count = 0; count < ROOM && this.#handshakes.size > 0; count++) this.#makeRoom()
  }

  #makeRoom (): void {
    const connection = this.#handshakes.leastPromising
    if (connection === undefined) return
    connection.cut()
    this.#forget(connection)
    connection.origin?.reject('handshakes')
  }

  #forget (connection: Connection): void {
    this.#open.delete(connection)
    this.#handshakes.delete(connection)
    if (this.#open.size > 0) return
    clearInterval(this.#watch)
    this.#watch = undefined
    this.#drained?.()
  }

  #startLooking (): NodeJS.Timeout {
    let looks = 0
    return setInterval(() => {
      for (const connection of this.#open) connection.closeIfEnded()
      if (++looks % STALLS === 0) this.endStalled()
    }, CHECK_INTERVAL).unref()
  }

  /**
   * Ends those whose peer has taken nothing for too long: see stalled-peers.ts.
   * @param now milliseconds of a clock that never goes back
   * @param memory bytes that the process may have; what it has, if it is not given
   */
  async endStalled (now = performance.now(), memory?: number): Promise<void> {
    await endStalled(this.#open, this.#isClosing, now, memory)
  }

  /**
   * Cuts those that a gate does not admit any more, and nobody else. A connection in its handshake has
   * no admission yet and is judged by the new rules when it comes to that.
   *
   * The event loop is never held for long: with many connections this goes on in later turns, and
   * until it is done the hook refuses the requests of those that are still to be cut, and nothing else that they send
   * reaches the app.
   * @returns when all are looked at: how many were cut
   */
  async cutRefused (gate: Gate): Promise<number> {
    let cut = 0
    for (const connection of this.#open) if (connection.gate === gate) connection.guard()
    const slices = new Slices()
    for (const connection of this.#open) {
      if (connection.gate !== gate || !connection.established || connection.refused) continue
      const refusal = connection.findRefusal()
      if (refusal !== undefined) {
        connection.refuse(refusal)
        slices.cut()
        cut++
      }
      if (slices.over) await slices.next()
    }
    return cut
  }

  /** The nearest moment at which an admission of a gate ends by itself. */
  nearestDeadline (gate: Gate): number {
    let nearest = Infinity
    for (const { gate: its, deadline, refused } of this.#open) if (its === gate && !refused) nearest = Math.min(nearest, deadline)
    return nearest
  }

  /** Ends who is between two requests. Who has come for the first is not idle, as with a server of Node's own. */
  retireIdle (): void {
    for (const connection of this.#open) if (connection.idle && connection.hasBegun) connection.retire()
  }

  cutAll (): void {
    for (const connection of this.#open) connection.cut()
  }

  get counts (): ConnectionCounts {
    const counts = { handshakes: 0, upgraded: 0, requests: 0, idle: 0 }
    for (const { activity } of this.#open) counts[activity]++
    return counts
  }

  /** Ends everybody as soon as nothing is under way; resolves when none is left. */
  async drain (): Promise<void> {
    this.#isClosing = true
    for (const connection of this.#open) connection.retire()
    if (this.#open.size > 0) await new Promise<void>((resolve) => { this.#drained = resolve })
  }
}
