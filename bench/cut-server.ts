/**
 * The server whose connections are cut, as a process of its own:
 *
 *     node dist/bench/cut-server.js folder
 *
 * It tells its port, and after that answers `begin`, and `end` with what happened in between: a swap, and
 * what came after it. `reload` reads the list at once.
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
  // Nobody may go but by a swap.
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
