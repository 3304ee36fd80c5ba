/**
 * Node's own TLS server, which lets in whom OpenSSL accepts: what the app is held against. Its only argument is the folder of a
 * site. It prints where it listens.
 */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'

const read = (file: string): Buffer => readFileSync(join(process.argv[2] ?? '', file))
const server = createServer({ key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), requestCert: true, rejectUnauthorized: true }, (socket) => {
  // Not before the request is there: a socket that is closed with something unread is reset, and the answer lost.
  socket.on('error', () => {}).once('data', () => { socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n') })
})
server.on('tlsClientError', () => {})
server.listen(0, '127.0.0.1', () => { console.log(`listening ${JSON.stringify(server.address() as AddressInfo)}`) })
