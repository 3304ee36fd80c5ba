/**
 * The open connections of a server, from the accept on. So `close()` never waits for a silent peer, and a change of the
 * rules reaches every client.
 *
 * A handshake and a swap cannot miss each other. The verdict and the registration of an admitted client are one synchronous
 * step. So are the assignment of the new set, the next generation, and the start of the walk over the connections. The walk
 * meets every connection that was registered before, and the new set judges every later one.
 */
import type { Socket } from 'node:net'
import { Connection, CHECK_INTERVAL, type ConnectionCounts, type Origin } from './connection.js'
import { descriptors } from '../descriptors.js'
import { HandshakeQueue } from './handshake-queue.js'
import { LinkedList } from './linked-list.js'
import { SHARE } from './networks.js'
import { Slices } from '../turns.js'
import { endStalled } from './stalled-peers.js'
import type { Gate } from '../tls/gate.js'
import { descriptorOf } from '../tls/undocumented.js'

/** Stalled peers are looked for at every nth check. */
const STALL_CHECK = 5

/** Handshakes to drop when no descriptors are left. */
const FREED_AT_ONCE = 10

/** The most connections at the same time, and the most of them that may be in their handshake. */
export interface ConnectionLimits {
  readonly connections: number
  readonly handshakes: number
}

/** The connections of one server. */
export class Connections {
  readonly #open = new LinkedList<Connection>()
  /** Those that have not passed all layers yet. */
  readonly #handshakes = new HandshakeQueue<Connection>()
  #limits: ConnectionLimits = { connections: Infinity, handshakes: Infinity }
  #drained: (() => void) | undefined
  /** Called with a socket beyond a limit, before it is destroyed. */
  onDrop: ((raw: Socket) => void) | undefined
  #isClosing = false
  #watch: NodeJS.Timeout | undefined

  get size (): number {
    return this.#open.size
  }

  /** Connections of each listener: all, and those that have passed all layers. */
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

  /** Sets how many there may be at the same time. Open connections stay. */
  limit (limits: ConnectionLimits): void {
    this.#limits = limits
    this.#handshakes.limit(Math.min(limits.handshakes, limits.connections))
  }

  /**
   * Registers a raw socket that was just accepted, until it closes.
   *
   * If maxHandshakes is reached, one pending handshake is dropped. The same happens when maxConnections is reached and pending
   * handshakes hold more than an eighth of the places: stalled peers must not lock others out. A connection that has a reserved
   * descriptor is closed, and so are an eighth of the pending handshakes, so that the next connections have room.
   * @param hasLayers whether the socket must pass layers before HTTP gets it
   * @returns undefined if a limit is reached; the socket is destroyed then
   */
  add (raw: Socket, gate: Gate | undefined, origin?: Origin, hasLayers = true): Connection | undefined {
    const { connections, handshakes } = this.#limits
    const isReserved = descriptors.isReserved(descriptorOf(raw))
    const canDrop = this.#handshakes.size > connections / SHARE
    const isFull = (descriptors.areLent || this.#open.size >= connections) && canDrop
    if (isReserved && canDrop) this.#dropHandshakes(Math.ceil(this.#handshakes.size / SHARE))
    else if (isFull || (hasLayers && this.#handshakes.size >= handshakes)) this.#dropHandshake()
    // One with a reserved number must not stay: it would free a low number, and numbers would no longer tell how many are open.
    const isScarce = isReserved || (descriptors.areLent && !canDrop)
    if (isScarce || this.#open.size >= connections) {
      this.onDrop?.(raw)
      raw.destroy()
      descriptors.closed()
      origin?.reject(isScarce ? 'descriptors' : 'connections')
      return undefined
    }
    const connection = new Connection(raw, gate, origin, this.#handshakes, this.#forget)
    connection.place = this.#open.add(connection)
    this.#watch ??= this.#startChecks()
    if (hasLayers) this.#handshakes.add(connection)
    return connection
  }

  /** Drops some handshakes, for a file that could not be opened otherwise. */
  freeDescriptors (): void {
    this.#dropHandshakes(FREED_AT_ONCE)
  }

  #dropHandshakes (count: number): void {
    for (; count > 0 && this.#handshakes.size > 0; count--) this.#dropHandshake()
  }

  #dropHandshake (): void {
    const connection = this.#handshakes.leastPromising
    if (connection === undefined) return
    connection.cut()
    this.#forget(connection)
    connection.origin?.reject('handshakes')
  }

  readonly #forget = (connection: Connection): void => {
    if (connection.place !== undefined) this.#open.remove(connection.place)
    this.#handshakes.delete(connection)
    if (this.#open.size === 0) this.#drained?.()
  }

  /**
   * The checks end when one of them finds no connection. If the last connection ended them, a server of short connections would
   * begin them for each one. Timers that come and go cost as much as members of a Set: see linked-list.ts.
   */
  #startChecks (): NodeJS.Timeout {
    let checks = 0
    return setInterval(() => {
      if (this.#open.size === 0) {
        clearInterval(this.#watch)
        this.#watch = undefined
        return
      }
      const isLong = ++checks % STALL_CHECK === 0
      // Neither of them removes any, so this needs no copy of the list, which would be garbage of 10,000 places each time.
      for (let link = this.#open.first; link !== undefined; link = link.after) {
        link.member.closeIfEnded()
        link.member.rest()
      }
      if (isLong) this.endStalled()
    }, CHECK_INTERVAL).unref()
  }

  /**
   * Closes connections whose peer has read no data for too long: see stalled-peers.ts.
   * @param now milliseconds of a clock that never goes back
   * @param memory bytes that the process may use (those that it has)
   */
  async endStalled (now = performance.now(), memory?: number): Promise<void> {
    await endStalled(this.#open, this.#isClosing, now, memory)
  }

  /**
   * Cuts the connections that a gate no longer admits, and no others. A connection in its handshake has no admission yet: the
   * new rules judge it at its end.
   *
   * With many connections this takes several turns of the event loop, so that no turn is long. Meanwhile the hook
   * refuses the requests of clients that are still to be cut, and nothing else that they send reaches the app.
   * @returns how many were cut
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

  /** When the next admission of a gate expires, in milliseconds since 1970; Infinity for never. */
  nearestDeadline (gate: Gate): number {
    let nearest = Infinity
    for (const { gate: other, deadline, refused } of this.#open) if (other === gate && !refused) nearest = Math.min(nearest, deadline)
    return nearest
  }

  /** Closes connections between two requests. As in Node's server, one without a request so far is not idle. */
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

  /** Closes each connection after its current request. Resolves when none is left. */
  async drain (): Promise<void> {
    this.#isClosing = true
    for (const connection of this.#open) connection.retire()
    if (this.#open.size > 0) await new Promise<void>((resolve) => { this.#drained = resolve })
  }
}
