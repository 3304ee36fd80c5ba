/**
 * A node of a fleet, in its own process:
 *
 *     node dist/bench/fleet-node.js folder
 *
 * It sends its port when it listens.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

const [, , folder = ''] = process.argv
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const app = Fastify({ serverFactory, keepAliveTimeout: 600_000, logger: { level: 'error' } })
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`
})
app.get('/', async () => 'served')
app.get('/health', async () => app.endpoint.health().status)
await app.listen()
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port })
