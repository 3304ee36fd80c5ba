/**
 * The server of allowed.ts, in its own process:
 *
 *     node dist/bench/allowed-server.js folder
 *
 * One app with two endpoints, without and with an allowed list, and two routes, without and with a demand. It sends its ports.
 * It answers `cpu` with its processor time, `watch` when it measures the turns of its event loop, and `turns` with these. It
 * exits with its parent.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'
import { Turns, type Turn } from './turns.js'

/** What it sends. */
export interface Answer {
  /** Of the endpoint without a list, and of that with one. */
  readonly ports?: readonly number[]
  /** Microseconds, user and system. */
  readonly cpu?: number
  readonly turns?: readonly Turn[]
}

const [folder] = process.argv.slice(2) as [string]
const path = (file: string): string => quoteEndpointArgument(join(folder, file))
const without = `tls:0:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}` +
  `:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}`

const app = Fastify({ serverFactory })
await app.register(endpoint, { endpoint: [without, `${without}:allowedFile=${path('allowed.txt')}`] })
app.get('/', async () => ({ hello: 'world' }))
app.get('/free', async () => ({ hello: 'world' }))
app.get('/held', { config: { endpoint: { allow: ['role:writer', 'uri:spiffe://example.org/ns/shop/*'] } } }, async () => ({ hello: 'world' }))
await app.listen()

const send = (answer: Answer): void => { process.send?.(answer) }
let turns: Turns | undefined
process.on('message', async (question) => {
  if (question === 'cpu') {
    const { user, system } = process.cpuUsage()
    send({ cpu: user + system })
  } else if (question === 'watch') {
    turns = new Turns()
    send({})
  } else {
    send({ turns: await turns?.stop() ?? [] })
  }
})
process.on('disconnect', () => process.exit())
send({ ports: app.endpoint.listeners.map(({ address }) => (address as AddressInfo).port) })
