/**
 * The server name that a connection asks for, read before its TLSSocket is made, so that the whole context of that
 * name can be given to it.
 *
 * Node's SNICallback comes later: it only adds one pair of key and certificate to those that the connection has
 * already. So of a name's RSA and ECDSA one would be lacking, and a kind that the name does not have would be answered
 * with the certificate of the default.
 */
import type { Socket } from 'node:net'
import { readFirstBytes } from '../transports/first-bytes.js'
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
  function putBack (all: Buffer | undefined, name?: string): void {
    if (all !== undefined && !raw.destroyed) raw.unshift(all)
    done(name)
  }

  readFirstBytes(raw, { timeout }, {
    look (all) {
      const result = readHello(all)
      return result.state === 'partial' ? result.length : () => putBack(all, result.state === 'complete' ? result.serverName : undefined)
    },
    late: (all) => putBack(all),
    left: () => done()
  })
}
