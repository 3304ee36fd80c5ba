/**
 * The server of the soak, in its own process:
 *
 *     node dist/bench/soak-server.js folder
 *
 * It sends its port, and then answers each `SoakCommand` with a `SoakReport`.
 */
import websocket from '@fastify/websocket'
import { X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

/** `revoked` asks whether the set in force revokes a certificate (PEM). */
export interface SoakCommand { readonly id: number, readonly revoked?: string }

export interface SoakReport {
  readonly id: number
  readonly revoked?: boolean
  /** Bytes of the process and of its heap; `rss` after a garbage collection. */
  readonly rss: number
  readonly heap: number
  readonly external: number
  readonly descriptors: number
  /** Open connections, as the server counts them. */
  readonly places: number
  readonly health: string
}

const [, , folder = ''] = process.argv
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const app = Fastify({ serverFactory, logger: { level: 'warn', file: join(folder, 'log') } })
await app.register(websocket)
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:backlog=511:alpn=h2+http/1.1:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
})
const big = Buffer.alloc(4 * 1024 * 1024, 'x')
app.get('/', async () => 'served')
app.post('/', async (request) => request.body)
app.get('/big', async () => big)
app.register(async (scope) => {
  scope.get('/socket', { websocket: true }, (socket) => { socket.on('message', (message) => { socket.send(message.toString()) }) })
})
await app.listen()

const count = promisify(app.server.getConnections.bind(app.server))

async function answer ({ id, revoked }: SoakCommand): Promise<SoakReport> {
  // Not for each `revoked`: that comes many times a second.
  if (revoked === undefined) globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  const status = revoked === undefined ? undefined : app.endpoint.listeners[0]?.revocation?.status([new X509Certificate(revoked)])
  return {
    id,
    ...(status !== undefined && { revoked: status.status === 'revoked' }),
    rss,
    heap: heapUsed,
    external,
    descriptors: readdirSync('/proc/self/fd').length,
    places: await count(),
    health: app.endpoint.health().status
  }
}

process.on('message', (command: SoakCommand) => {
  answer(command).then((report) => process.send?.(report), (error: unknown) => {
    console.error(error)
    process.exit(1)
  })
})
process.on('disconnect', () => process.exit())
const address = app.server.address()
process.send?.({ port: typeof address === 'object' ? address?.port : undefined })
