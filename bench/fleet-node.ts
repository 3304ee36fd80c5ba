/**
 * A node of a fleet, in its own process:
 *
 *     node dist/bench/fleet-node.js folder
 *
 * It sends its port when it listens, and answers each message with what it has used.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

/** What a node has used. */
export interface NodeReport {
  /** Milliseconds of processor time. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  /** Milliseconds: the longest turn of the event loop since the last report. */
  readonly longestTurn: number
  readonly entries: number
}

const [, , folder = ''] = process.argv
const turns = monitorEventLoopDelay({ resolution: 1 })
turns.enable()
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const app = Fastify({ serverFactory, keepAliveTimeout: 600_000, pluginTimeout: 300_000, logger: { level: 'error' } })
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
})
app.get('/', async () => 'served')
app.get('/health', async () => app.endpoint.health().status)
await app.listen()
process.on('disconnect', () => process.exit())
process.on('message', (isRested) => {
  if (isRested === true) globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const [listener] = app.endpoint.listeners
  const report: NodeReport = {
    cpu: (user + system) / 1000, memory: process.memoryUsage().rss, longestTurn: turns.max / 1e6, entries: listener?.revocation?.size ?? 0
  }
  turns.reset()
  process.send?.(report)
})
process.send?.({ port: (app.server.address() as AddressInfo).port })
