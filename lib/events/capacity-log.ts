/**
 * A line in the log where something happens to many clients: at once, and then few, with how many there were.
 */
import type { EndpointLog } from '../../types/log.js'
import type { StallEnd } from '../engine/stalled-peers.js'

/** Which bound there was no room below: `connections` and `descriptors` close who comes, `handshakes` ends one that is under way. */
export type Bound = 'connections' | 'handshakes' | 'descriptors'

/** Milliseconds in which there is one line for each kind. */
const WINDOW = 10_000

const NO_ROOM: Readonly<Record<Bound, string>> = {
  connections: 'maxConnections are open: who came was turned away',
  handshakes: 'there was no room for another handshake: one that was under way was ended',
  descriptors: 'the process has no file descriptors to spare: a connection was turned away'
}

const STALLED: Readonly<Record<StallEnd, string>> = {
  idle: 'a connection was ended whose peer took nothing of what waited for it',
  gone: 'a connection was ended whose peer was gone while something waited for it',
  memory: 'a connection was ended that held most of the memory that waits for peers which take nothing',
  stream: 'streams of HTTP/2 were reset whose client gave them no room'
}

export const BOUNDS = Object.keys(NO_ROOM) as readonly Bound[]
export const STALL_ENDS = Object.keys(STALLED) as readonly StallEnd[]

/** Clients for which there is no room. */
export function capacityLog (endpoint: string, log: EndpointLog): CapacityLog<Bound> {
  return new CapacityLog((bound, count) => { log.warn({ endpoint, turnedAway: count }, NO_ROOM[bound]) })
}

/** Peers that take nothing. */
export function stallLog (endpoint: string, log: EndpointLog): CapacityLog<StallEnd> {
  return new CapacityLog((why, count) => { log.info({ endpoint, ended: count }, STALLED[why]) })
}

export class CapacityLog<Kind extends string> {
  readonly #tell: (kind: Kind, count: number) => void
  /** How many there were since the last line. */
  readonly #counts = new Map<Kind, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (tell: (kind: Kind, count: number) => void) {
    this.#tell = tell
  }

  note (kind: Kind, count = 1): void {
    const before = this.#counts.get(kind)
    if (before === undefined) this.#tell(kind, count)
    this.#counts.set(kind, before === undefined ? 0 : before + count)
    this.#timer ??= setTimeout(() => this.close(), WINDOW).unref()
  }

  /** Tells of those that there was no line for. */
  close (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [kind, count] of this.#counts) if (count > 0) this.#tell(kind, count)
    this.#counts.clear()
  }
}
