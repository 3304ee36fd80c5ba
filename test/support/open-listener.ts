/** A listener on a port, without an app. A test sets the clock of its PROXY headers. */
import { EventEmitter } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'
import { Connections } from '../../lib/engine/connections.js'
import { parseEndpoint } from '../../lib/index.js'
import { Listener } from '../../lib/layers/listener.js'
import type { Clock } from '../../lib/transports/first-bytes.js'
import type { LogLine } from './log.js'
import { until } from './until.js'

/** A clock that stands still until it is set forward. */
export class StoppedClock implements Clock {
  #time = 0
  readonly #timers = new Set<{ readonly at: number, readonly expire: () => void }>()

  now (): number {
    return this.#time
  }

  after (milliseconds: number, expire: () => void): () => void {
    const timer = { at: this.#time + milliseconds, expire }
    this.#timers.add(timer)
    return () => { this.#timers.delete(timer) }
  }

  /** How many timers are running. */
  get pending (): number {
    return this.#timers.size
  }

  forward (milliseconds: number): void {
    this.#time += milliseconds
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#time)) {
      this.#timers.delete(timer)
      timer.expire()
    }
  }
}

export interface OpenListener {
  readonly port: number
  readonly clock: StoppedClock
  /** The server's end of each connection, in the order in which they came. */
  readonly raws: readonly Socket[]
  /** What was logged above debug. */
  readonly log: LogLine[]
  /** Emits `socket` for each socket that has passed all layers. */
  readonly fed: EventEmitter
  /** Waits until so many connections wait for their header. */
  headersAwaited (count: number): Promise<unknown>
}

export async function openListener (t: Test, description: string): Promise<OpenListener> {
  const clock = new StoppedClock()
  const raws: Socket[] = []
  const connections = new class extends Connections {
    override add (...args: Parameters<Connections['add']>): ReturnType<Connections['add']> {
      raws.push(args[0])
      return super.add(...args)
    }
  }()
  const fed = new EventEmitter()
  const log: LogLine[] = []
  const write = (level: number) => (fields: object, msg: string): void => { log.push({ ...fields, level, msg }) }
  const [listener] = await Listener.prepareAll([parseEndpoint(description)], {
    log: { debug () {}, info: write(30), warn: write(40), error: write(50) },
    headerClock: clock
  }, new Promise(() => {})) as [Listener]
  t.teardown(async () => {
    connections.cutAll()
    await listener.close()
    listener.dispose()
  })
  await listener.open({
    clientConnections: connections,
    feed: (socket: Socket) => { fed.emit('socket', socket.on('error', () => {})) },
    handshakeFailed () {},
    keylog: undefined
  }, {})
  return {
    port: (listener.address as AddressInfo).port,
    clock,
    raws,
    log,
    fed,
    headersAwaited: (count) => until(`${count} headers are awaited`, () => clock.pending === count)
  }
}
