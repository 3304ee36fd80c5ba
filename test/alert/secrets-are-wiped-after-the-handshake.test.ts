/**
 * However a handshake ends, the secrets that we got from it are overwritten by then. The test observes the
 * listener of the event `keylog`, and keeps the buffers that it got.
 */
import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { TrafficSecret } from '../../lib/tls/alert.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate } from '../../lib/tls/gate.js'
import { alpnList, runHandshake } from '../../lib/tls/handshake.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { asClient, makeSite, type Site } from '../support/mutual-tls.js'
import { Relay } from '../support/relay.js'

/** The secrets that one connection of the server has received. */
interface Heard {
  readonly socket: TLSSocket
  readonly lines: Buffer[]
  readonly labels: string[]
  readonly secrets: Buffer[]
}

const heard: Heard[] = []

/** Records each socket with a listener for `keylog`, and each line before the listener gets it. */
const on = TLSSocket.prototype.on
TLSSocket.prototype.on = function (this: TLSSocket, event: 'keylog', listener: (line: Buffer) => void) {
  if (event === 'keylog') {
    const entry: Heard = { socket: this, lines: [], labels: [], secrets: [] }
    heard.push(entry)
    // Replaces the listener, because a line with a second listener is not wiped. This property allows its removal.
    const noting = (line: Buffer): void => {
      entry.lines.push(line)
      entry.labels.push(line.toString('latin1').split(' ')[0] as string)
      listener(line)
    }
    return on.call(this, event, Object.assign(noting, { listener }))
  }
  return on.call(this, event, listener)
} as typeof on

const value = Object.getOwnPropertyDescriptor(TrafficSecret.prototype, 'value')?.get as () => Buffer | undefined
const { forget } = TrafficSecret.prototype
TrafficSecret.prototype.forget = function (this: TrafficSecret) {
  const secret = value.call(this)
  if (secret !== undefined) heard.at(-1)?.secrets.push(secret)
  forget.call(this)
}

type End = 'admitted' | 'refused' | 'failed'

async function open (t: Test, site: Site, ends: EventEmitter, timeout = 10): Promise<{ port: number, sockets: Socket[] }> {
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  const gate = new Gate(endpoint, { authorities: credentials.authorities })
  const sockets: Socket[] = []
  const server = createServer((raw) => {
    sockets.push(raw)
    runHandshake(raw, { credentials: () => credentials, ticketKeys, gate, alpn: alpnList(['http/1.1']), timeout }, {
      admitted: (socket) => {
        ends.emit('end', 'admitted' satisfies End)
        socket.on('error', () => {}).end()
      },
      refused: () => { ends.emit('end', 'refused' satisfies End) },
      failed: () => { ends.emit('end', 'failed' satisfies End) }
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, sockets }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const { title, end, timeout, certificate = true, stop } of [
    { title: 'is admitted', end: 'admitted' },
    { title: 'is refused', end: 'refused', certificate: false },
    { title: 'takes too long', end: 'failed', timeout: 0.3, stop: () => {} },
    { title: 'hangs up', end: 'failed', stop: ({ client }) => { client.destroy() } },
    { title: 'sends garbage', end: 'failed', stop: ({ relay }) => { relay.release(Buffer.alloc(64, 1)) } },
    { title: 'is cut by the server', end: 'failed', stop: ({ sockets }) => { sockets[0]?.destroy() } }
  ] as ReadonlyArray<{ title: string, end: End, timeout?: number, certificate?: boolean, stop?: (parts: { client: TLSSocket, relay: Relay, sockets: Socket[] }) => void }>) {
    t.test(`no secret of a client that ${title} remains in memory (${version})`, async (t) => {
      heard.length = 0
      const site = await makeSite(t)
      const ends = new EventEmitter()
      const { port, sockets } = await open(t, site, ends, timeout)
      // A client that stops does so after its hello: in TLS 1.3 the server has its secrets then.
      const relay = stop === undefined ? undefined : await Relay.open(t, port, { flights: 1 })
      const client = connect({ host: '127.0.0.1', port: relay?.port ?? port, ...asClient(site, certificate ? site.alice : undefined), minVersion: version, maxVersion: version })
      client.on('error', () => {}).resume()
      const ended = once(ends, 'end')
      if (relay !== undefined) {
        await relay.held
        stop?.({ client, relay, sockets })
      }
      t.same(await ended, [end])
      const [entry] = heard as [Heard]
      t.equal(entry.labels.includes('SERVER_TRAFFIC_SECRET_0'), version === 'TLSv1.3')
      t.equal(entry.secrets.length, version === 'TLSv1.3' ? 1 : 0)
      t.ok(entry.secrets.every((secret) => secret.length >= 32 && secret.every((byte) => byte === 0)), 'the secret is overwritten')
      t.ok(entry.lines.every((line) => line.every((byte) => byte === 0)), 'and so are the lines')
      t.equal(entry.socket.listenerCount('keylog'), 0, 'and no listener gets more of them')
      client.destroy()
    })
  }
}
