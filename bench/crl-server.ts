/**
 * A server of mutual TLS with a CRL, in its own process:
 *
 *     node dist/bench/crl-server.js ours|node folder
 *
 * The folder holds ca.pem, server.pem, server.key, and the CRL as crl (DER or PEM; PEM for Node's `crl`).
 * It sends its port, and answers each message with one: see `CrlCommand`.
 */
import { once } from 'node:events'
import { readFileSync, renameSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createSecureContext } from 'node:tls'
import { subscribe } from 'node:diagnostics_channel'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { Turns } from './turns.js'

/**
 * `change` replaces the CRL by the file `next`, without an answer. `watch` answers when it is in force, and measures the
 * turns of the event loop, which costs time and memory itself. `memory` returns what is in use.
 */
export type CrlCommand = 'change' | 'watch' | 'memory'

export interface TurnsReport {
  /** Milliseconds of the main thread in its busiest turn until half a second later, and by the clock in its longest. */
  readonly busiest: number
  readonly longest: number
}

export interface MemoryReport {
  /** Bytes, after a garbage collection. */
  readonly resident: number
  readonly peak: number
}

const [, , side = 'ours', folder = ''] = process.argv
const path = (file: string): string => join(folder, file)
const read = (file: string): Buffer => readFileSync(path(file))

interface Server {
  readonly port: number
  /** Resolves when the content of `crl` is in force. */
  swapped (change: () => void): Promise<void>
}

async function startOurs (): Promise<Server> {
  const quoted = (file: string): string => quoteEndpointArgument(path(file))
  const app = Fastify({ serverFactory, logger: { level: 'warn', file: path('log') } })
  await app.register(endpoint, {
    endpoint: `tls:0:interface=127.0.0.1:privateKey=${quoted('server.key')}:certKey=${quoted('server.pem')}:authorities=${quoted('ca.pem')}:revokedFile=${quoted('revoked.txt')}`
  })
  app.get('/', async () => 'served')
  await app.listen()
  let note = (): void => {}
  subscribe('fastify-endpoint:revocation:swapped', () => note())
  return {
    port: (app.server.address() as AddressInfo).port,
    swapped: (change) => new Promise((resolve) => {
      note = resolve
      change()
    })
  }
}

/** Called directly: Node watches no file. */
async function startNode (): Promise<Server> {
  const options = (): object => ({ key: read('server.key'), cert: read('server.pem'), ca: read('ca.pem'), crl: read('crl') })
  const server = createServer({ ...options(), requestCert: true, rejectUnauthorized: true }, (_, response) => { response.end('served') }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    swapped: async (change) => {
      change()
      createSecureContext(options())
      server.setSecureContext(options())
    }
  }
}

const server = side === 'ours' ? await startOurs() : await startNode()

async function obey (command: CrlCommand): Promise<TurnsReport | MemoryReport | undefined> {
  if (command === 'memory') {
    for (let round = 0; round < 3; round++) globalThis.gc?.()
    return { resident: process.memoryUsage.rss(), peak: process.resourceUsage().maxRSS * 1024 }
  }
  const change = (): void => renameSync(path('next'), path('crl'))
  if (command === 'change') {
    server.swapped(change)
    return undefined
  }
  const turns = new Turns()
  const start = performance.now()
  await server.swapped(change)
  await new Promise((resolve) => setTimeout(resolve, 500))
  const all = (await turns.stop()).filter((turn) => turn.start + turn.duration >= start)
  const most = (of: 'running' | 'duration'): number => all.reduce((most, turn) => Math.max(most, turn[of]), 0)
  return { busiest: most('running'), longest: most('duration') }
}

process.on('message', (command: CrlCommand) => { obey(command).then((answer) => { if (answer !== undefined) process.send?.(answer) }) })
process.on('disconnect', () => process.exit())
process.send?.({ port: server.port })
