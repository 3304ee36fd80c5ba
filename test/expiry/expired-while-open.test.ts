/** The clock is injected: the certificates expire when the test says so. */
import { EventEmitter, once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { Connections } from '../../lib/connections.js'
import { parseEndpoint } from '../../lib/index.js'
import { TlsLayer } from '../../lib/tls-layer.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { alertIn } from '../support/alerts.js'
import { asClient, connectTls, makeSite, type Site } from '../support/mutual-tls.js'
import type { Issued } from '../support/pki.js'

const SECOND = 1000

/** The TLS layer on a port, with a clock that starts now and runs, shifted by `clock.shift`. */
async function open (t: Test, site: Site): Promise<{ port: number, clock: { shift: number }, fed: EventEmitter }> {
  const clock = { shift: 0 }
  const connections = new Connections()
  const fed = new EventEmitter()
  const silent = { debug () {}, info () {}, warn () {}, error () {} }
  const layer = await TlsLayer.prepare(parseEndpoint(site.endpoint()) as TlsEndpoint, { log: silent, now: () => Date.now() + clock.shift })
  const server = createServer((raw) => {
    const connection = connections.add(raw, layer.gate)
    if (connection !== undefined) layer.accept(connection, { clientConnections: connections, feed: (socket: Socket) => { fed.emit('socket', socket) } })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    connections.cutAll()
    layer.dispose()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, clock, fed }
}

function endsIn (site: Site, milliseconds: number): Promise<Issued> {
  // Certificates count whole seconds.
  return site.ca.issue({ name: 'short-lived', usage: 'client', notAfter: new Date(Math.ceil((Date.now() + milliseconds) / SECOND) * SECOND) })
}

t.test('a connection is cut within a second of the end of its certificate, and not before', async (t) => {
  const site = await makeSite(t)
  const { port } = await open(t, site)
  const short = await endsIn(site, SECOND)
  const client = await connectTls(port, asClient(site, short))
  client.on('error', () => {}).resume()
  await once(client, 'close')
  const late = Date.now() - Date.parse(short.x509.validTo)
  t.ok(late > 0, 'not before')
  t.ok(late < SECOND, `${late} ms late`)
})

t.test('a connection whose certificate lasts goes on when another one ends', async (t) => {
  const site = await makeSite(t)
  const { port } = await open(t, site)
  const alice = await connectTls(port, asClient(site, site.alice))
  const client = await connectTls(port, asClient(site, await endsIn(site, SECOND)))
  client.on('error', () => {}).resume()
  await once(client, 'close')
  t.notOk(alice.destroyed)
  alice.destroy()
})

t.test('a resumed session does not outlive the certificate', async (t) => {
  const site = await makeSite(t)
  const { port, clock, fed } = await open(t, site)
  const leaf = await endsIn(site, 60 * SECOND)
  const first = await connectTls(port, asClient(site, leaf))
  const [session] = await once(first.resume(), 'session') as [Buffer]
  first.destroy()
  const admitted = once(fed, 'socket')
  const second = await connectTls(port, { ...asClient(site, leaf), session })
  t.ok(second.isSessionReused())
  t.ok((await admitted)[0] as TLSSocket)
  second.destroy()
  clock.shift = 120 * SECOND
  const third = await connectTls(port, { ...asClient(site, leaf), session })
  const [error] = await once(third, 'error')
  t.equal(alertIn(error), 'certificate_expired')
})
