/** The response of every server: `served`, or for /stream a numbered line every 50 ms as long as the connection is open. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export function answer ({ url }: IncomingMessage, response: ServerResponse): void {
  if (url !== '/stream') {
    response.setHeader('content-length', 6).end('served')
    return
  }
  let count = 0
  const timer = setInterval(() => response.write(`tick ${++count}.\n`), 50)
  response.once('close', () => clearInterval(timer))
}
