/**
 * Ends connections whose peer takes nothing of what waits for it. Nobody reads the socket of such a peer: HTTP/1
 * and HTTP/2 wait until what they have written has left, so that neither its FIN nor its reset is seen.
 *
 * One look at all connections each second, and no timer for each. What counts is what the kernel has taken below
 * TLS, so that neither a PING nor a request makes a peer look alive that takes no answer.
 */
import { totalmem } from 'node:os'
import { Slices } from '../turns.js'
import { isGone, trafficOf } from '../tls/undocumented.js'
import type { Socket } from 'node:net'

/** Milliseconds that a peer may take nothing that has ended its own half, or that a closing server waits for. */
const SHORT_PATIENCE = 10_000

/**
 * Milliseconds for all others. The kernel takes the next piece only when a third of its buffer is free, which may be
 * a megabyte: with less, a slow reader would be taken for one that reads nothing.
 */
export const LONG_PATIENCE = 120_000

/** The part of the memory that may wait for stalled peers altogether; beyond that those that hold most go. */
const MOST_HELD = 1 / 8

/** Milliseconds that a peer has taken nothing to be one of them: a line may lose a packet twice. */
const STALLED = 2000

/** The same for a stream beside others, which share the line. */
const BLOCKED = 10_000

/** Bytes that come between two looks from a peer that does more than to ask, to answer and to ping: it uploads. */
const UPLOAD = 64 * 1024

/** Parts of a conversation that wait while others move: streams of HTTP/2. */
export interface Blocked {
  /** @param moved bytes that have left for the peer since it came, without what answers its PINGs */
  look (moved: number, now: number): void
  /** @returns bytes of those no piece of which has left for so long, whatever has left of the others */
  heldFor (milliseconds: number, now: number): number
  /** Ends those that have waited for so long, and nothing else. @returns how many there were */
  endAfter (milliseconds: number, now: number): number
}

/** What a look at a connection needs of it. */
interface Sending {
  readonly raw: Socket
  /** What the protocol writes to; undefined before the layers are through. */
  readonly socket: Socket | undefined
  /** Bytes that the protocol holds back, since the peer gives it no room for them. */
  readonly unsent: number
  /** Milliseconds that the protocol lets a peer take nothing. */
  readonly patience: number
  /** Whether the protocol has ended, so that only what it said last still waits. */
  readonly hasEnded: boolean
  readonly blocked: Blocked | undefined
}

/** How much waits for a peer that has taken nothing, and since when. */
export interface Stall {
  readonly since: number
  readonly held: number
}

/** What one peer has taken, from one look to the next. */
export class Progress {
  #taken = 0
  #read = 0
  #unsent = 0
  #since: number | undefined
  #moved = 0

  /** @returns undefined where nothing waits, or some of it has moved since the last look */
  look ({ raw, socket, unsent, blocked }: Sending, now: number): Stall | undefined {
    const traffic = trafficOf(raw, socket)
    if (traffic === undefined) return undefined
    const { taken, read, queued } = traffic
    const left = taken - this.#taken
    const came = read - this.#read
    // Where the protocol itself holds bytes back, what leaves may be no more than the answers to PINGs: they are
    // never longer than what they answer.
    const moves = unsent === 0 ? left > 0 : left > came || came >= UPLOAD || unsent < this.#unsent
    this.#moved += Math.max(0, left - came)
    blocked?.look(this.#moved, now)
    this.#taken = taken
    this.#read = read
    this.#unsent = unsent
    const held = queued + unsent
    if (held === 0 || moves) this.#since = undefined
    else this.#since ??= now
    return this.#since === undefined ? undefined : { since: this.#since, held }
  }
}

/** Why something was ended: a peer was idle for too long, or gone, or held too much memory; or a stream got no room. */
export type StallEnd = 'idle' | 'gone' | 'memory' | 'stream'

/** A connection as this file sees it. */
export interface Stalling extends Sending {
  readonly progress: Progress
  /** Ends it below TLS, and tells of that: what it would say has no way out. */
  destroyStalled (why: StallEnd): void
  /** Tells of so many of its parts that were ended. */
  reportStall (why: StallEnd, count: number): void
}

/**
 * Looks at all connections once, and ends those that have stalled for too long.
 * @param isClosing whether the server waits for them to end
 * @param now milliseconds of a clock that never goes back
 * @param memory bytes that the process may have
 */
export async function endStalled (connections: Iterable<Stalling>, isClosing: boolean, now: number, memory = memoryOfProcess()): Promise<void> {
  const slices = new Slices()
  const stalled: Array<{ connection: Stalling, held: number }> = []
  let all = 0
  for (const connection of connections) {
    const stall = connection.progress.look(connection, now)
    const time = stall === undefined ? 0 : now - stall.since
    const patience = patienceWith(connection, isClosing)
    if (stall !== undefined && (time >= patience || (time > 0 && isGone(connection.raw)))) {
      connection.destroyStalled(time >= patience ? 'idle' : 'gone')
      slices.cut()
    } else {
      const { blocked } = connection
      const ended = blocked?.endAfter(patience, now) ?? 0
      if (ended > 0) {
        connection.reportStall('stream', ended)
        slices.cut()
      }
      const held = stall !== undefined && time >= STALLED ? stall.held : blocked?.heldFor(BLOCKED, now) ?? 0
      if (held > 0) stalled.push({ connection, held })
      all += held
    }
    if (slices.over) await slices.next()
  }
  const most = MOST_HELD * memory
  if (all <= most) return
  for (const { connection, held } of stalled.sort((one, other) => other.held - one.held)) {
    if (all <= most) break
    connection.destroyStalled('memory')
    all -= held
  }
}

/** Bytes that this process may have, also where a container gives it fewer than the machine has. */
function memoryOfProcess (): number {
  const all = totalmem()
  const given = process.constrainedMemory()
  return given > 0 ? Math.min(given, all) : all
}

function patienceWith ({ socket, raw, hasEnded, patience }: Stalling, isClosing: boolean): number {
  const isShort = isClosing || hasEnded || raw.readableEnded || socket?.readableEnded === true
  return isShort ? Math.min(SHORT_PATIENCE, patience) : patience
}
