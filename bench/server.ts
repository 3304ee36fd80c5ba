/**
 * One of the two servers that are compared, in its own process:
 *
 *     node dist/bench/server.js ours|bare tcp|haproxy|ssl|tls|h2 folder [without-key-log]
 *
 * `bare` is Fastify with Node's own server, `ours` the same app on an endpoint string. It sends its port, answers the message `cpu`
 * with the processor time that it has used, `memory` with the memory that is in use after garbage collections (it needs --expose-gc),
 * and a second message `profile` with where the time went since the first. It exits with its parent.
 */
import { Session, type Profiler } from 'node:inspector/promises'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import Fastify, { type FastifyInstance } from 'fastify'
import endpoint, { quoteEndpointArgument, serverFactory } from 'fastify-endpoint'

/** Bytes of the process, and those of them that JavaScript uses. */
export interface Memory {
  readonly rss: number
  readonly heap: number
}

/** What a server sends to its parent: when it listens, and for each message. */
export type ServerMessage = { port: number } | { cpu: number } | { memory: Memory } | { profile: Profiler.Profile | undefined }

const [side, type, folder, variant] = process.argv.slice(2) as ['ours' | 'bare', 'tcp' | 'haproxy' | 'ssl' | 'tls' | 'h2', string, string?]

/** To open thousands of connections may take longer than the keep-alive timeout of Fastify. */
const PATIENT = { keepAliveTimeout: 1_200_000 }

function endpointString (): string {
  if (type === 'tcp' || type === 'haproxy') return `${type === 'tcp' ? '' : 'haproxy:'}tcp:0:interface=127.0.0.1:backlog=511`
  const path = (file: string): string => quoteEndpointArgument(join(folder, file))
  const credentials = `${type === 'ssl' ? 'ssl' : 'tls'}:0:interface=127.0.0.1:backlog=511:privateKey=${path('server.key')}:certKey=${path('server.pem')}`
  return type === 'ssl' ? credentials : `${credentials}:authorities=${path('ca.pem')}:revokedFile=${path('revoked.txt')}${type === 'h2' ? ':alpn=h2+http/1.1' : ''}`
}

async function makeOurs (): Promise<FastifyInstance> {
  const app = Fastify({ serverFactory, ...PATIENT })
  await app.register(endpoint, { endpoint: endpointString(), maxConnections: 20_000 })
  return app
}

async function makeBare (): Promise<FastifyInstance> {
  if (type === 'tcp' || type === 'haproxy') return Fastify(PATIENT)
  const [key, cert, ca] = await Promise.all(['server.key', 'server.pem', 'ca.pem'].map((file) => readFile(join(folder, file))))
  const https = { key: key as Buffer, cert: cert as Buffer }
  const mutual = { ...https, ca, requestCert: true, rejectUnauthorized: true }
  if (type === 'h2') return Fastify({ ...PATIENT, http2: true, https: { ...mutual, allowHTTP1: true } }) as unknown as FastifyInstance
  return Fastify({ ...PATIENT, https: type === 'ssl' ? https : mutual }) as unknown as FastifyInstance
}

function tell (message: ServerMessage): void {
  process.send?.(message)
}

// Node switches the key log on with the first listener. Without it, no client sees an alert in TLS 1.3.
if (variant === 'without-key-log') {
  const { on } = TLSSocket.prototype
  TLSSocket.prototype.on = function (this: TLSSocket, ...[event, listener]: Parameters<typeof on>) {
    return event === 'keylog' ? this : on.call(this, event, listener)
  } as typeof on
}

const app = await (side === 'ours' ? makeOurs() : makeBare())
app.get('/', async () => ({ hello: 'world' }))
await app.listen({ host: '127.0.0.1', port: 0 })

let session: Session | undefined

async function profile (): Promise<Profiler.Profile | undefined> {
  if (session === undefined) {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 200 })
    await session.post('Profiler.start')
    return undefined
  }
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  session = undefined
  return profile
}

/** Several collections: what one has finalised, the next one frees. */
async function memory (): Promise<Memory> {
  for (let collections = 0; collections < 5; collections++) {
    globalThis.gc?.()
    await nextTurn()
  }
  const { rss, heapUsed } = process.memoryUsage()
  return { rss, heap: heapUsed }
}

process.on('message', (message) => {
  if (message === 'memory') {
    memory().then((memory) => { tell({ memory }) })
    return
  }
  if (message === 'profile') {
    profile().then((profile) => { tell({ profile }) })
    return
  }
  const { user, system } = process.cpuUsage()
  tell({ cpu: user + system })
})
process.on('disconnect', () => process.exit())
tell({ port: (app.server.address() as AddressInfo).port })
