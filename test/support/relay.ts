/**
 * A relay that holds back what the client sends, so that a test can act in between: for example, a handshake stops after its
 * hello until a list is in force.
 */
import { EventEmitter, once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export class Relay extends EventEmitter {
  readonly port: number
  #held: Buffer[] = []
  /** What the client may send before the rest is held; a flight is what the client sends in answer to the server. */
  #flights: number
  #server: Socket | undefined
  #answered = true
  #seen = 0

  private constructor (port: number, flights: number) {
    super()
    this.port = port
    this.#flights = flights
  }

  /**
   * For one connection to a port of 127.0.0.1, of which the first `flights` flights of the client pass.
   * In TLS the first is its hello, and the second ends with its Finished.
   */
  static async open (t: Test, target: number, { flights }: { flights: number }): Promise<Relay> {
    const listener = createServer({ noDelay: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const relay = new Relay((listener.address() as AddressInfo).port, flights)
    listener.once('connection', (client: Socket) => { relay.#take(client, connect({ port: target, host: '127.0.0.1', noDelay: true })) })
    t.teardown(() => { listener.close() })
    return relay
  }

  #take (client: Socket, server: Socket): void {
    this.#server = server
    server.once('connect', () => { this.emit('connected') })
    client.on('data', (bytes: Buffer) => {
      if (this.#answered) this.#seen++
      this.#answered = false
      if (this.#seen <= this.#flights) {
        server.write(bytes)
      } else {
        this.#held.push(bytes)
        this.emit('held')
      }
    })
    server.on('data', (bytes: Buffer) => {
      this.#answered = true
      client.write(bytes)
    })
    for (const [from, to] of [[client, server], [server, client]] as const) from.on('error', () => {}).once('close', () => { to.destroySoon() })
  }

  /** Resolves when the relay is connected to the server. */
  get connected (): Promise<unknown> {
    return once(this, 'connected')
  }

  /** Resolves when something is held back. */
  get held (): Promise<unknown> {
    return this.#held.length > 0 ? Promise.resolve() : once(this, 'held')
  }

  /** Sends `first`, then lets everything pass. */
  release (first?: Uint8Array): void {
    this.#flights = Infinity
    if (first !== undefined) this.#server?.write(first)
    for (const bytes of this.#held.splice(0)) this.#server?.write(bytes)
  }
}
