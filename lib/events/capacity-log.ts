/**
 * Logs that a limit was reached or that peers were closed: the first time at once, then at most once per 10 s with a count.
 */
import type { EndpointLog } from '../../types/log.js'
import type { StallEnd } from '../engine/stalled-peers.js'

/** The limit that was reached: `connections` and `descriptors` close the new connection, `handshakes` drops a pending one. */
export type ConnectionLimit = 'connections' | 'handshakes' | 'descriptors'

/** At most one line per kind in this time, in milliseconds. */
const WINDOW = 10_000

const LIMIT_MESSAGES: Readonly<Record<ConnectionLimit, string>> = {
  connections: 'maxConnections reached: new connection closed',
  handshakes: 'too many pending handshakes: one was dropped',
  descriptors: 'no file descriptors to spare: new connection closed'
}

const STALL_MESSAGES: Readonly<Record<StallEnd, string>> = {
  idle: 'connection closed: the client read no data for too long',
  gone: 'connection closed: the client was gone while data waited for it',
  memory: 'connection closed: clients that read no data held too much memory, and this one held the most',
  stream: 'HTTP/2 streams reset: the client opened no window for their data'
}

export const CONNECTION_LIMITS = Object.keys(LIMIT_MESSAGES) as readonly ConnectionLimit[]
export const STALL_ENDS = Object.keys(STALL_MESSAGES) as readonly StallEnd[]

/** For connections beyond a limit. */
export function capacityLog (endpoint: string, log: EndpointLog): CapacityLog<ConnectionLimit> {
  return new CapacityLog((limit, count) => { log.warn({ endpoint, turnedAway: count }, LIMIT_MESSAGES[limit]) })
}

/** For clients that read no data. */
export function stallLog (endpoint: string, log: EndpointLog): CapacityLog<StallEnd> {
  return new CapacityLog((why, count) => { log.info({ endpoint, ended: count }, STALL_MESSAGES[why]) })
}

export class CapacityLog<Kind extends string> {
  readonly #write: (kind: Kind, count: number) => void
  /** How often each happened since its last line. */
  readonly #counts = new Map<Kind, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (write: (kind: Kind, count: number) => void) {
    this.#write = write
  }

  note (kind: Kind, count = 1): void {
    const pending = this.#counts.get(kind)
    if (pending === undefined) this.#write(kind, count)
    this.#counts.set(kind, pending === undefined ? 0 : pending + count)
    this.#timer ??= setTimeout(() => this.close(), WINDOW).unref()
  }

  /** Writes the counts that have no line yet. */
  close (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [kind, count] of this.#counts) if (count > 0) this.#write(kind, count)
    this.#counts.clear()
  }
}
