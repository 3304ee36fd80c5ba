/** The TLS alert that a rejected client sees. */
import { once } from 'node:events'
import { connect, type ConnectionOptions } from 'node:tls'
import { run } from './programs.js'

/** What `openssl s_client` prints of the alert that it received from a port, or the path of a unix socket: its number, or undefined. */
export async function alertSeenByOpenssl (where: number | string, args: readonly string[]): Promise<number | undefined> {
  const to = typeof where === 'number' ? ['-connect', `127.0.0.1:${where}`] : ['-unix', where]
  const { stdout, stderr } = await run('openssl', ['s_client', '-ign_eof', ...to, ...args], { input: 'GET / HTTP/1.0\r\n\r\n' })
  const number = /SSL alert number (\d+)/.exec(stdout + stderr)?.[1]
  return number === undefined ? undefined : Number(number)
}

/**
 * The name of the alert in an error of Node's client, as RFC 8446 section 6 writes it, or the code of
 * another error. OpenSSL up to 3.0 calls one ERR_SSL_SSLV3_ALERT_X that since 3.5 is ERR_SSL_SSL/TLS_ALERT_X.
 */
export function alertIn ({ code, message }: NodeJS.ErrnoException): string {
  return /^ERR_SSL_.*_ALERT_(\w+)$/.exec(code ?? '')?.[1]?.toLowerCase() ?? code ?? message
}

/** The error that ends a Node.js client, which writes `body` as soon as it can; see alertIn. */
export async function alertSeenByNode (where: { port: number } | { path: string }, options: ConnectionOptions, body: string | Uint8Array = 'GET / HTTP/1.0\r\n\r\n'): Promise<string> {
  const socket = connect({ ...('port' in where ? { host: '127.0.0.1' } : {}), ...where, ...options })
  let alert = 'none'
  socket.on('error', (error) => { alert = alertIn(error) })
  socket.resume()
  socket.once('secureConnect', () => { socket.write(body) })
  await once(socket, 'close').catch(() => {})
  return alert
}
