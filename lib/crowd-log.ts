/**
 * A line in the log where an endpoint has no room for all who come: at once, and then few, with how many there were.
 */
import type { EndpointLog } from '../types/plugin.js'

/** Which bound there was no room below: `connections` and `descriptors` close who comes, `handshakes` ends one that is under way. */
export type Bound = 'connections' | 'handshakes' | 'descriptors'

/** Milliseconds in which there is one line for each bound. */
const WINDOW = 10_000

const MESSAGES: Readonly<Record<Bound, string>> = {
  connections: 'maxConnections are open: who came was turned away',
  handshakes: 'there was no room for another handshake: one that was under way was ended',
  descriptors: 'the process has no file descriptors to spare: a connection was turned away'
}

export const BOUNDS = Object.keys(MESSAGES) as readonly Bound[]

export class CrowdLog {
  readonly #endpoint: string
  readonly #log: EndpointLog
  /** How many were turned away since the last line. */
  readonly #counts = new Map<Bound, number>()
  #timer: NodeJS.Timeout | undefined

  constructor (endpoint: string, log: EndpointLog) {
    this.#endpoint = endpoint
    this.#log = log
  }

  note (bound: Bound): void {
    const count = this.#counts.get(bound)
    if (count === undefined) this.#tell(bound, 1)
    this.#counts.set(bound, count === undefined ? 0 : count + 1)
    this.#timer ??= setTimeout(() => this.close(), WINDOW).unref()
  }

  /** Tells of those that there was no line for. */
  close (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const [bound, count] of this.#counts) if (count > 0) this.#tell(bound, count)
    this.#counts.clear()
  }

  #tell (bound: Bound, count: number): void {
    this.#log.warn({ endpoint: this.#endpoint, turnedAway: count }, MESSAGES[bound])
  }
}
