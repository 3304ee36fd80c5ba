/**
 * A relay to a server that simulates a network partition: connections stay open, new ones are accepted, and nothing passes.
 * Data that was under way is lost when the partition ends.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export class Partition {
  readonly port: number
  #isCut = false
  #target: number
  #delay = 0
  readonly #sockets = new Set<Socket>()

  private constructor (port: number, target: number) {
    this.port = port
    this.#target = target
  }

  /** To a port of 127.0.0.1. */
  static async open (t: Pick<Test, 'teardown'>, target: number): Promise<Partition> {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const partition = new Partition((listener.address() as AddressInfo).port, target)
    listener.on('connection', (client: Socket) => { partition.#take(client, connect(partition.#target, '127.0.0.1')) })
    t.teardown(() => {
      listener.close()
      for (const socket of partition.#sockets) socket.destroy()
    })
    return partition
  }

  /** How many clients are connected. */
  get connections (): number {
    return this.#sockets.size / 2
  }

  cut (): void {
    this.#isCut = true
  }

  mend (): void {
    this.#isCut = false
  }

  /** Relays to another port from now on, and closes the connections to the old one. */
  turn (target: number): void {
    this.#target = target
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Delays each answer by so many milliseconds. */
  slow (delay: number): void {
    this.#delay = delay
  }

  #take (client: Socket, server: Socket): void {
    for (const [from, to, isAnswer] of [[client, server, false], [server, client, true]] as const) {
      this.#sockets.add(from)
      from.on('error', () => {}).once('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      }).on('data', (bytes: Buffer) => {
        if (this.#isCut) return
        if (isAnswer && this.#delay > 0) setTimeout(() => { to.write(bytes) }, this.#delay)
        else to.write(bytes)
      })
    }
  }
}
