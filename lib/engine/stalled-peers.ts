/**
 * Closes connections whose peer reads no data. HTTP/1 and HTTP/2 do not read the socket of such a peer until their data has
 * left, so they notice neither a FIN nor a reset.
 *
 * All connections are checked once a second, without a timer for each. Only the bytes that the kernel has taken below
 * TLS count: a peer that reads no response must not look active because it sends a PING or a request.
 */
import { totalmem } from 'node:os'
import { Slices } from '../turns.js'
import { isGone, queuedFor, trafficOf } from '../tls/undocumented.js'
import type { Socket } from 'node:net'

/** Milliseconds without progress allowed to a peer that has ended its half, or that a closing server waits for. */
const SHORT_PATIENCE = 10_000

/**
 * Milliseconds without progress allowed to all others. The kernel takes the next piece only when a third of
 * its buffer is free, which may be a megabyte. With less time, a slow reader would look like one that reads nothing.
 */
export const LONG_PATIENCE = 120_000

/** The part of the memory that may wait for all stalled peers together. Beyond it, those that hold most are closed. */
const MOST_WAITING = 1 / 8

/** Milliseconds without progress after which a peer counts as stalled: a packet may be lost twice. */
const STALLED = 2000

/** The same for a stream, which shares the line with others. */
const BLOCKED = 10_000

/** A peer that sends as many bytes between two checks is uploading. */
const UPLOAD = 64 * 1024

/** Streams of HTTP/2, some of which may wait while others move. */
export interface Blocked {
  /** @param moved bytes sent to the peer since data began to wait for it, without the replies to its PINGs */
  look (moved: number, now: number): void
  /** @returns bytes of the streams that sent no piece for so many milliseconds, whatever the others sent */
  bytesBlockedFor (milliseconds: number, now: number): number
  /** Resets the streams that have waited for so many milliseconds. @returns how many */
  endAfter (milliseconds: number, now: number): number
}

/** What a check needs of a connection. */
interface Sending {
  readonly raw: Socket
  /** What the protocol writes to; undefined until the connection has passed all layers. */
  readonly socket: Socket | undefined
  /** Bytes that the protocol holds back because the peer opens no window for them. */
  readonly unsent: number
  /** Milliseconds for which the protocol allows a peer to read no data. */
  readonly patience: number
  /** Whether the protocol has ended, so that only its last data still waits. */
  readonly hasEnded: boolean
  readonly blocked: Blocked | undefined
}

/** Bytes that wait for a peer, and since when it has read none. */
export interface Stall {
  readonly since: number
  readonly bytes: number
}

/** How much data one peer has accepted from one check to the next. Present while data waits for it. */
export class Progress {
  #accepted: number
  #read: number
  #unsent: number
  #since: number | undefined
  #moved = 0

  /** Data waits since this check. */
  constructor ({ raw, unsent }: Sending, now: number) {
    const { accepted, read } = trafficOf(raw)
    this.#accepted = accepted
    this.#read = read
    this.#unsent = unsent
    this.#since = now
  }

  /** Bytes sent since data began to wait, without the replies to PINGs of the peer. */
  get moved (): number {
    return this.#moved
  }

  /** @returns since when none of the data has left; undefined if some has left since the last check */
  check ({ raw, unsent }: Sending, now: number): number | undefined {
    const { accepted, read } = trafficOf(raw)
    const sent = accepted - this.#accepted
    const received = read - this.#read
    // If the protocol holds bytes back, only replies to PINGs may be leaving. They are never longer than the PINGs.
    const moves = unsent === 0 ? sent > 0 : sent > received || received >= UPLOAD || unsent < this.#unsent
    this.#moved += Math.max(0, sent - received)
    this.#accepted = accepted
    this.#read = read
    this.#unsent = unsent
    if (moves) this.#since = undefined
    else this.#since ??= now
    return this.#since
  }
}

/** @returns undefined if no data waits for the peer, or some of it has left since the last check */
function stallOf (connection: Stalling, now: number): Stall | undefined {
  const { raw, socket, unsent, blocked } = connection
  const queued = queuedFor(raw, socket)
  if (queued === undefined) return undefined
  const bytes = queued + unsent
  let since: number | undefined
  if (bytes === 0) connection.progress = undefined
  else if (connection.progress === undefined) {
    connection.progress = new Progress(connection, now)
    since = now
  } else since = connection.progress.check(connection, now)
  blocked?.look(connection.progress?.moved ?? 0, now)
  return since === undefined ? undefined : { since, bytes }
}

/** Why something was closed: a peer was idle for too long, was gone, or held too much memory; or a stream got no window. */
export type StallEnd = 'idle' | 'gone' | 'memory' | 'stream'

/** A connection as this file sees it. */
export interface Stalling extends Sending {
  /** Set here. */
  progress: Progress | undefined
  /** Destroys the connection and reports it. Nothing more can be sent to its peer. */
  destroyStalled (why: StallEnd): void
  /** Reports that so many of its streams were reset. */
  reportStall (why: StallEnd, count: number): void
}

/**
 * Checks all connections once, and closes those that have stalled for too long.
 * @param isClosing whether the server waits for them to end
 * @param now milliseconds of a clock that never goes back
 * @param memory bytes that the process may use (those that it has)
 */
export async function endStalled (
  connections: Iterable<Stalling>,
  isClosing: boolean,
  now: number,
  memory?: number
): Promise<void> {
  const slices = new Slices()
  const stalled: Array<{ connection: Stalling, bytes: number }> = []
  let all = 0
  for (const connection of connections) {
    const stall = stallOf(connection, now)
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
      const bytes = stall !== undefined && time >= STALLED ? stall.bytes : blocked?.bytesBlockedFor(BLOCKED, now) ?? 0
      if (bytes > 0) stalled.push({ connection, bytes })
      all += bytes
    }
    if (slices.over) await slices.next()
  }
  if (all === 0) return
  const most = MOST_WAITING * (memory ?? memoryOfProcess())
  for (const { connection, bytes } of stalled.sort((one, other) => other.bytes - one.bytes)) {
    if (all <= most) break
    connection.destroyStalled('memory')
    all -= bytes
  }
}

/** Bytes that this process may use; a container may allow fewer than the machine has. */
function memoryOfProcess (): number {
  const all = totalmem()
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, all) : all
}

function patienceWith ({ socket, raw, hasEnded, patience }: Stalling, isClosing: boolean): number {
  const isShort = isClosing || hasEnded || raw.readableEnded || socket?.readableEnded === true
  return isShort ? Math.min(SHORT_PATIENCE, patience) : patience
}
