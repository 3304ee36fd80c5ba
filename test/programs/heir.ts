/**
 * An app on the endpoints that are given as arguments. It prints a line of JSON when it listens, or has
 * failed to, and closes at SIGTERM. It ends in any case when its standard input does.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import Fastify from 'fastify'
import endpoint, { serverFactory } from '../../lib/index.js'
import { PATIENCE } from '../support/until.js'

const stdin = process.stdin as Socket
stdin.on('end', () => process.exit()).resume()
stdin.unref()

const print = (line: object): void => console.log(JSON.stringify(line))
const log: string[] = []
const logger = { level: 'info', stream: { write: (text: string) => { log.push(JSON.parse(text).msg) } } }
const app = Fastify({ pluginTimeout: PATIENCE, serverFactory, logger, return503OnClosing: false })
app.get('/', async () => ({ pid: process.pid, variables: Object.keys(process.env).filter((name) => name.startsWith('LISTEN_')) }))
app.get('/ip', async (request) => ({ ip: request.ip }))
app.get('/slow', async () => {
  print({ slow: true })
  await once(process, 'SIGUSR2')
  return { pid: process.pid }
})
await app.register(endpoint, { endpoint: process.argv.slice(2) })

async function listen (): Promise<void> {
  try {
    const listening = await app.listen()
    print({ listening, origin: app.listeningOrigin, addresses: app.endpoint.listeners.map(({ address }) => address), log })
  } catch (error) {
    const { code, message, endpoint, argument } = error as NodeJS.ErrnoException & { endpoint?: string, argument?: string }
    print({ code, message, endpoint, argument })
    // It may be told to try again.
    stdin.ref()
  }
}

process.on('SIGHUP', listen)
process.once('SIGTERM', () => {
  const closed = app.close()
  print({ closing: true })
  closed.then(() => print({ closed: true }))
})
await listen()
