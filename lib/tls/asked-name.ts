/**
 * Reads the server name of a hello before the TLSSocket is made, so that the socket can begin with the context of that name.
 *
 * Node's SNICallback comes too late: it only adds one pair of key and certificate to those that the connection has. So one of
 * a name's RSA and ECDSA pairs would be missing, and a kind that the name lacks would get the default's certificate.
 */
import type { Socket } from 'node:net'
import { readFirstBytes } from '../transports/first-bytes.js'
import { readHello } from './client-hello.js'

/**
 * Waits for the hello, and leaves it in the socket as if nothing had been read.
 *
 * @param raw a connected socket of which nothing has been read that belongs to TLS
 * @param timeout milliseconds
 * @param done called once, with the name ('' for none), or undefined if it cannot be read. The socket may be destroyed by then
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
    closed: () => done()
  })
}
