/**
 * The server of names.ts, in its own process:
 *
 *     node dist/bench/names-server.js folder names
 *
 * `names` is the folder of certificates by server name. It sends its port, the time of its start and its memory, and exits with
 * its parent.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

/** Milliseconds by the clock and of the processor; resident bytes. */
export interface Started {
  readonly port: number
  readonly took: number
  readonly cpu: number
  readonly resident: number
}

const [folder, names] = process.argv.slice(2) as [string, string]
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const description = `tls:0:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}` +
  `:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}:sni=${quoteEndpointArgument(names)}`

const app = Fastify({ serverFactory, pluginTimeout: 120_000 })
const begin = { clock: performance.now(), cpu: process.cpuUsage() }
await app.register(endpoint, { endpoint: description })
await app.listen()
const { user, system } = process.cpuUsage(begin.cpu)
const started: Started = {
  port: (app.server.address() as AddressInfo).port,
  took: performance.now() - begin.clock,
  cpu: (user + system) / 1000,
  resident: process.memoryUsage.rss()
}
process.on('disconnect', () => process.exit())
process.send?.(started)
