/**
 * A handshake and a swap, in each order in which they can meet: no client that the set in force rejects
 * is ever served.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { parseEndpoint, type EndpointServer } from '../../lib/index.js'
import { Connections } from '../../lib/engine/connections.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate } from '../../lib/tls/gate.js'
import { alpnList, runHandshake } from '../../lib/tls/handshake.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { alertIn } from '../support/alerts.js'
import { asClient, connectTls, makeSite, putInForce, startApp, takeTicket, type RunningApp, type Site } from '../support/mutual-tls.js'
import { head } from '../support/peer.js'
import { Relay } from '../support/relay.js'
import { until } from '../support/until.js'
import type { Verdict } from '../../lib/tls/verdict.js'

type Version = 'TLSv1.2' | 'TLSv1.3'

interface Stage extends RunningApp {
  readonly site: Site
  readonly client: ConnectionOptions
  /** How many requests of mallory's the app has got. */
  readonly served: () => number
  /** `request`, when the app has got one. */
  readonly events: EventEmitter
  readonly swap: () => Promise<void>
}

/** An app that answers `GET /`, holds `GET /hold` open for ever, and echoes what is posted. */
async function setUp (t: Test, version: Version): Promise<Stage> {
  const site = await makeSite(t)
  let served = 0
  const events = new EventEmitter()
  const running = await startApp(t, site.endpoint(), (app: FastifyInstance) => {
    app.addHook('preHandler', async (request) => {
      if (request.clientCertificate?.subject === 'CN=mallory') served++
      events.emit('request')
    })
    app.addHook('onRequest', async () => { events.emit('begun') })
    app.get('/', async () => 'served')
    app.get('/hold', (_request, reply) => { reply.hijack() })
    app.post('/', async () => 'served')
  })
  return {
    ...running,
    site,
    events,
    client: { ...asClient(site, site.mallory), minVersion: version, maxVersion: version },
    served: () => served,
    swap: () => putInForce(running.app, () => site.revoke('mallory.pem'))
  }
}

/** What a client sees that asks as soon as it can. */
class Visitor {
  readonly socket: TLSSocket
  received = ''
  alert: string | undefined
  resumed = false
  readonly closed: Promise<void>

  constructor (t: Test, port: number, options: ConnectionOptions, request = head()) {
    this.socket = connect({ host: '127.0.0.1', port, ...options })
    this.socket.on('error', (error) => { this.alert = alertIn(error) }).on('data', (chunk) => { this.received += chunk })
    this.socket.once('secureConnect', () => {
      this.resumed = this.socket.isSessionReused()
      if (request !== '') this.socket.write(request)
    })
    this.closed = new Promise((resolve) => { this.socket.once('close', () => resolve()) })
    t.teardown(() => { this.socket.destroy() })
  }
}

/** The relay cannot tell when the server has taken a connection. */
async function accepted ({ app }: RunningApp, count: number): Promise<void> {
  const { clientConnections } = app.server as unknown as EndpointServer
  await until(`${count} connections are accepted`, () => clientConnections.size >= count)
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a revoked client is rejected after a swap before its hello (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const relay = await Relay.open(t, stage.port, { flights: 0 })
    const mallory = new Visitor(t, relay.port, stage.client)
    await Promise.all([relay.held, accepted(stage, 1)])
    await stage.swap()
    relay.release()
    await mallory.closed
    t.equal(mallory.alert, 'certificate_revoked')
    t.equal(stage.served(), 0)
  })

  t.test(`a revoked client is rejected after a swap between its hello and its certificate (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const relay = await Relay.open(t, stage.port, { flights: 1 })
    const mallory = new Visitor(t, relay.port, stage.client)
    await relay.held
    await stage.swap()
    relay.release()
    await mallory.closed
    t.equal(mallory.alert, 'certificate_revoked')
    t.equal(stage.served(), 0)
  })

  t.test(`a revoked client that resumes is rejected after a swap between its hello and its Finished (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const session = await takeTicket(stage.port, stage.client)
    const before = stage.served()
    const relay = await Relay.open(t, stage.port, { flights: 1 })
    const mallory = new Visitor(t, relay.port, { ...stage.client, session })
    await relay.held
    await stage.swap()
    relay.release()
    await mallory.closed
    t.ok(mallory.resumed)
    t.equal(mallory.received, '')
    t.equal(stage.served(), before)
  })

  t.test(`a revoked client is rejected after a swap between its Finished and the verdict (${version})`, async (t) => {
    const { served, alert } = await swapAround(t, version, 'before the verdict')
    t.equal(alert, 'certificate_revoked')
    t.notOk(served)
  })

  t.test(`a revoked client is not served after a swap right after the verdict, in the same step (${version})`, async (t) => {
    const { served, told } = await swapAround(t, version, 'behind the verdict')
    t.notOk(served)
    t.equal(told, 1, 'and two swaps in one turn are reported once')
  })

  t.test(`a revoked client is not served after a swap between the verdict and its first request (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const relay = await Relay.open(t, stage.port, { flights: 2 })
    const admitted = once(stage.app.server, 'connection')
    const mallory = new Visitor(t, relay.port, stage.client, '')
    const ticket = once(mallory.socket, 'session')
    await Promise.all([admitted, ticket])
    // What Node's client writes inside of that event gets stuck.
    await new Promise((resolve) => { setImmediate(resolve) })
    mallory.socket.write(head())
    await relay.held
    await stage.swap()
    relay.release()
    await mallory.closed
    t.equal(mallory.received, '')
    t.equal(stage.served(), 0)
  })

  t.test(`a revoked client is not served after a swap during the head of its first request (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const admitted = once(stage.app.server, 'connection')
    const mallory = new Visitor(t, stage.port, stage.client, head().slice(0, -2))
    const [socket] = await admitted as [TLSSocket]
    await until('the server has read some bytes', () => socket.bytesRead > 0)
    await stage.swap()
    mallory.socket.write('\r\n')
    await mallory.closed
    t.equal(mallory.received, '')
    t.equal(stage.served(), 0)
  })

  t.test(`a revoked client is not served after a swap during the body of its first request (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const begun = once(stage.events, 'begun')
    const mallory = new Visitor(t, stage.port, stage.client, 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n12345')
    await begun
    await stage.swap()
    mallory.socket.write('67890')
    await mallory.closed
    t.equal(mallory.received, '')
    t.equal(stage.served(), 0)
  })

  t.test(`a revoked client gets no answer after a swap while its first request is running (${version})`, async (t) => {
    const stage = await setUp(t, version)
    const request = once(stage.events, 'request')
    const mallory = new Visitor(t, stage.port, stage.client, head('/hold'))
    await request
    await stage.swap()
    await mallory.closed
    t.equal(mallory.received, '')
    t.equal(stage.served(), 1, 'it began before')
  })

  t.test(`a handshake, a request and the end of a body are not served while other connections are being closed (${version})`, async (t) => {
    const stage = await setUp(t, version)
    // They are looked at in this order, one in a turn: see below.
    for (let turn = 0; turn < 4; turn++) {
      const first = new Visitor(t, stage.port, stage.client, '')
      await once(first.socket, 'session')
    }
    const relay = await Relay.open(t, stage.port, { flights: 1 })
    const shaking = new Visitor(t, relay.port, stage.client)
    await relay.held
    const begun = once(stage.events, 'begun')
    const posting = new Visitor(t, stage.port, stage.client, 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\n12345')
    await begun
    const others = await Promise.all(Array.from({ length: 20 }, async () => {
      const other = new Visitor(t, stage.port, stage.client, '')
      await once(other.socket, 'session')
      return other
    }))
    const good = await connectTls(stage.port, asClient(stage.site, stage.site.alice))
    let cuts = 0
    let late: Visitor | undefined
    const step = (): void => {
      // With each cut the turn's time is over, and what the clients do now comes before the next.
      const end = performance.now() + 5
      while (performance.now() < end);
      if (++cuts !== 1) return
      relay.release()
      posting.socket.write('67890')
      for (const { socket } of others) socket.write(head())
      late = new Visitor(t, stage.port, stage.client)
    }
    subscribe('fastify-endpoint:connection:cut', step)
    t.teardown(() => unsubscribe('fastify-endpoint:connection:cut', step))
    await stage.swap()
    await Promise.all([shaking, posting, late as Visitor, ...others].map(({ closed }) => closed))
    t.ok(cuts >= 4, `${cuts} were cut by the walk`)
    t.ok(others.some(({ received }) => received.includes('FST_ENDPOINT_CLIENT_REFUSED')), 'and others at their next request')
    t.equal(stage.served(), 0)
    t.equal(shaking.alert, 'certificate_revoked')
    t.equal(late?.alert, 'certificate_revoked')
    t.notOk([posting, ...others].some(({ received }) => received.includes('served')))
    good.write(head())
    t.match(String((await once(good, 'data'))[0]), /^HTTP\/1\.1 200/)
    good.destroy()
  })
}

/** A gate before whose verdict something happens, in the same synchronous step. */
class LateGate extends Gate {
  beforeVerdict = (): void => {}

  override judge (socket: TLSSocket, rules: number): Verdict {
    this.beforeVerdict()
    return super.judge(socket, rules)
  }
}

/** Puts a set in force in the step in which OpenSSL has finished and the gate decides. */
async function swapAround (t: Test, version: Version, moment: 'before the verdict' | 'behind the verdict'): Promise<{ served: boolean, alert: string | undefined, told: number }> {
  const site = await makeSite(t)
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  const revocations = { set: new RevocationSet({ entries: [], loadedAt: new Date() }) }
  const gate = new LateGate(endpoint, { authorities: credentials.authorities, revocations })
  const connections = new Connections()
  let walk: Promise<number> | undefined
  const swap = (): void => {
    revocations.set = new RevocationSet({ entries: [{ kind: 'tbs', value: identifyCertificate(site.mallory.der).tbs, source: {} }], loadedAt: new Date() })
    gate.changeRules()
    walk = connections.cutRefused(gate)
  }
  if (moment === 'before the verdict') gate.beforeVerdict = swap
  let served = false
  let told = 0
  const server = createServer((raw) => {
    const connection = connections.add(raw, gate)
    runHandshake(raw, { credentials: () => credentials, ticketKeys, gate, alpn: alpnList(['http/1.1']), timeout: 10 }, {
      admitted: (socket, admission) => {
        connection?.establish(socket, admission, () => { told++ })
        if (moment === 'behind the verdict') for (let swaps = 0; swaps < 2; swaps++) swap()
        socket.on('data', () => {
          // As the hook does with a request.
          if (connection?.findRefusal() === undefined) served = true
          socket.destroy()
        })
      },
      refused: () => {},
      failed: () => {}
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const mallory = new Visitor(t, (server.address() as AddressInfo).port, { ...asClient(site, site.mallory), minVersion: version, maxVersion: version })
  await mallory.closed
  await walk
  return { served, alert: mallory.alert, told }
}
