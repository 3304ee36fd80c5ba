/**
 * The server name that a connection asks for, read before its TLSSocket is made, so that the whole context of that
 * name can be given to it.
 *
 * Node's SNICallback comes later: it only adds one pair of key and certificate to those that the connection has
 * already. So of a name's RSA and ECDSA one would be lacking, and a kind that the name does not have would be answered
 * with the certificate of the default.
 */
import type { Socket } from 'node:net'
import { FirstBytes } from '../transports/first-bytes.js'
import { readHello } from './client-hello.js'

/**
 * Waits for the hello, and leaves it in the socket as if nothing had been read.
 *
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 * @param timeout milliseconds
 * @param done called once, with the name ('' for none), or undefined where it cannot be read. The socket may be destroyed
 *   by then
 */
export function readAskedName (raw: Socket, timeout: number, done: (name?: string) => void): void {
  const first = new FirstBytes()
  let all: Buffer | undefined
  /** How many bytes there must be for another look. */
  let awaited = 0
  const timer = setTimeout(() => { finish() }, timeout).unref()

  function finish (name?: string): void {
    clearTimeout(timer)
    raw.removeListener('readable', read)
    raw.removeListener('end', leave)
    raw.removeListener('close', leave)
    raw.removeListener('error', ignore)
    if (all !== undefined && !raw.destroyed) raw.unshift(all)
    done(name)
  }

  function leave (): void {
    raw.destroy()
    finish()
  }

  function read (): void {
    for (let piece = raw.read() as Buffer | null; piece !== null; piece = raw.read() as Buffer | null) {
      all = first.append(piece)
      if (all.length < awaited) continue
      const reading = readHello(all)
      if (reading.state !== 'partial') return finish(reading.state === 'complete' ? reading.serverName : undefined)
      awaited = reading.length
    }
  }

  raw.on('readable', read)
  raw.on('end', leave)
  raw.on('close', leave)
  // A reset is followed by `close`.
  raw.on('error', ignore)
}

function ignore (): void {}
