/**
 * The other end of a connection, byte for byte. It sends exactly what a test says, and keeps what it receives, however the
 * connection ends.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A GET request for `path`, the whole of it. */
export function head (path = '/', ...fields: string[]): string {
  return [`GET ${path} HTTP/1.1`, 'host: localhost', ...fields, '', ''].join('\r\n')
}

export class Peer {
  readonly socket: Socket
  received = ''
  /** Resolves with all that was received when the connection has ended. */
  readonly closed: Promise<string>

  constructor (t: Pick<Test, 'teardown'>, socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => { socket.once('close', () => resolve(this.received)) })
    socket.setEncoding('latin1').on('data', (text: string) => { this.received += text }).on('error', () => {})
    t.teardown(() => { socket.destroy() })
  }

  /** Connects to a port of 127.0.0.1, or to the path of a unix socket. */
  static async connect (t: Test, where: number | string): Promise<Peer> {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where)
    await once(socket, 'connect')
    return new Peer(t, socket)
  }

  send (text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** Waits until what was received holds `text`, and gives all of it; rejects if the connection ends before. */
  async until (text: string): Promise<string> {
    while (!this.received.includes(text)) {
      const closed = await Promise.race([once(this.socket, 'data').then(() => false), this.closed.then(() => true)])
      if (closed && !this.received.includes(text)) throw new Error(`closed before "${text}": ${this.received}`)
    }
    return this.received
  }

  /** Sends a request on this connection and waits for the end of its answer, which must be JSON. */
  async get (path = '/', ...fields: string[]): Promise<string> {
    this.received = ''
    this.send(head(path, ...fields))
    return await this.until('}')
  }
}
