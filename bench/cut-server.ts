/**
 * The server whose connections are closed, in its own process:
 *
 *     node dist/bench/cut-server.js folder
 *
 * It sends its port. Then it answers `begin`, and `end` with what happened in between: a swap and its effects. `reload`
 * reloads the list immediately.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { CutRecord } from './cut-record.js'

const [, , folder = ''] = process.argv
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const app = Fastify({
  serverFactory,
  // No connection may end but by a swap.
  keepAliveTimeout: 600_000,
  logger: { level: 'warn', file: join(folder, 'log') }
})
await app.register(endpoint, {
  endpoint: `tls:0:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`,
  maxConnections: 20_000
})
app.get('/', async () => 'served')
await app.listen()

/** `cut` is for Node's own server, which has no list. */
export type CutCommand = 'begin' | 'end' | 'reload' | { cut: 'at once' | 'in slices' }

let record: CutRecord | undefined
subscribe('fastify-endpoint:revocation:swapped', () => { record?.swap() })
subscribe('fastify-endpoint:connection:cut', () => { record?.cut() })

async function obey (command: CutCommand): Promise<object> {
  if (command === 'end') return await record?.end() ?? {}
  if (command === 'reload') await app.endpoint.reload()
  if (command === 'begin') record = new CutRecord()
  return {}
}

process.on('message', (command: CutCommand) => { obey(command).then((answer) => process.send?.(answer)) })
process.on('disconnect', () => process.exit())
process.send?.({ port: (app.server.address() as AddressInfo).port })
