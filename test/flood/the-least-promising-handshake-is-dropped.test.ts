/** The handshake to drop when there are too many is never that of a good but slow client. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { HandshakeQueue, type PendingHandshake } from '../../lib/engine/handshake-queue.js'
import { networkOf } from '../../lib/engine/networks.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { Relay } from '../support/relay.js'

const HANDSHAKES = 100
const ATTACKERS = 2000
/** Far below the backlog of the endpoint: beyond it the kernel makes clients wait. */
const AT_A_TIME = 40

/** 2,000 connections from some loopback addresses that stall after the given bytes. */
async function flood (t: Test, port: number, addresses: number, first: string): Promise<void> {
  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  while (sockets.length < ATTACKERS) {
    await Promise.all(Array.from({ length: AT_A_TIME }, async (_none, index) => {
      const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.1.${1 + (sockets.length + index) % addresses}` }).on('error', () => {})
      await once(socket, 'connect')
      if (first !== '') socket.write(first, 'latin1')
      return socket
    })).then((wave) => sockets.push(...wave))
  }
}

/** The header of a record that announces a hello of 512 bytes. */
const HALF_A_HELLO = '\x16\x03\x01\x02\x00\x01'

for (const { title, addresses, first } of [
  { title: '2,000 connections of one address that say nothing', addresses: 1, first: '' },
  { title: '2,000 connections of one address that begin their hello', addresses: 1, first: HALF_A_HELLO },
  { title: '2,000 connections of six addresses that begin their hello', addresses: 6, first: HALF_A_HELLO },
  { title: '2,000 connections of 200 addresses that say nothing', addresses: 200, first: '' }
]) {
  t.test(`a client that is slow in its handshake outlasts ${title}`, async (t) => {
    const site = await makeSite(t)
    const { port } = await startApp(t, `${site.endpoint()}:backlog=511:handshakeTimeout=600`, undefined, { plugin: { maxHandshakes: HANDSHAKES } })
    const relay = await Relay.open(t, port, { flights: 1 })
    const slow = connectTls({ host: '127.0.0.1', port: relay.port, ...asClient(site, site.alice) })
    const peer = new Peer(t, slow)
    slow.once('secureConnect', () => { peer.send(head()) })
    await relay.held
    await flood(t, port, addresses, first)
    relay.release()
    t.match(await peer.until('HTTP/1.1 200 '), /^HTTP/)
  })
}

t.test('stalled connections do not block new clients', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(), undefined, { plugin: { maxConnections: HANDSHAKES } })
  const sockets = await Promise.all(Array.from({ length: AT_A_TIME }, async () => await makeStalled(t, port)))
  while (sockets.length < HANDSHAKES) sockets.push(await makeStalled(t, port))
  const good = connectTls({ host: '127.0.0.1', port, ...asClient(site, site.alice) })
  await once(good, 'secureConnect')
  good.write(head())
  t.match(String((await once(good, 'data'))[0]), /^HTTP\/1\.1 200 /)
  good.destroy()
})

async function makeStalled (t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => { socket.destroy() })
  await once(socket, 'connect')
  return socket
}

t.test('a dropped handshake no longer counts, and a few pending handshakes are not dropped', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:handshakeTimeout=600`, undefined, { plugin: { maxConnections: 16 } })
  const clients = await Promise.all(Array.from({ length: 15 }, async () => {
    const admitted = once(app.server, 'connection')
    const client = connectTls({ host: '127.0.0.1', port, ...asClient(site, site.alice) })
    await Promise.all([admitted, once(client, 'secureConnect')])
    return client
  }))
  const relay = await Relay.open(t, port, { flights: 1 })
  const last = connectTls({ host: '127.0.0.1', port: relay.port, ...asClient(site, site.alice) })
  await relay.held
  const late = connect(port, '127.0.0.1').on('error', () => {}).resume()
  await once(late, 'close')
  last.write(head())
  relay.release()
  t.match(String((await once(last, 'data'))[0]), /^HTTP\/1\.1 200 /)
  for (const client of [...clients, last]) client.destroy()
})

interface Attempt extends PendingHandshake { raw: { bytesRead: number } }

function makeAttempt (remoteAddress: string, bytesRead = 1): Attempt {
  return { raw: { bytesRead }, remoteAddress }
}

function makeHandshakes (...attempts: Attempt[]): HandshakeQueue<Attempt> {
  const handshakes = new HandshakeQueue<Attempt>()
  handshakes.limit(attempts.length)
  for (const attempt of attempts) handshakes.add(attempt)
  return handshakes
}

t.test('the first handshake to drop is a long silent one, then the oldest of a crowded address, then the oldest', async (t) => {
  const others = (count: number): Attempt[] => Array.from({ length: count }, (_none, index) => makeAttempt(`192.0.2.${index}`))
  const [oldest, silent, crowd] = [makeAttempt('198.51.100.1'), makeAttempt('198.51.100.2', 0), Array.from({ length: 6 }, () => makeAttempt('203.0.113.1'))]
  const handshakes = makeHandshakes(oldest, silent, ...crowd, ...others(20), makeAttempt('198.51.100.3', 0))
  for (const expected of [silent, crowd[0], crowd[1], crowd[2], oldest]) {
    t.equal(handshakes.leastPromising, expected)
    handshakes.delete(expected as Attempt)
  }
  t.equal(handshakes.size, 24)
})

t.test('a new handshake does not count as silent, and an empty queue drops none', async (t) => {
  const [a, b, c] = [makeAttempt('192.0.2.1'), makeAttempt('192.0.2.2'), makeAttempt('192.0.2.3', 0)]
  const handshakes = makeHandshakes(a, b, c)
  t.equal(handshakes.leastPromising, a)
  for (const attempt of [a, b, c, c]) handshakes.delete(attempt)
  t.equal(handshakes.leastPromising, undefined)
  handshakes.move(a)
  t.equal(handshakes.size, 0)
})

t.test('a crowded address is found again after most handshakes have ended', async (t) => {
  const crowd = (address: string): Attempt[] => Array.from({ length: 9 }, () => makeAttempt(address))
  const [first, second, third] = [crowd('203.0.113.1'), crowd('203.0.113.2'), crowd('203.0.113.3')]
  const handshakes = makeHandshakes(...first, ...second.slice(0, 5))
  t.equal(handshakes.leastPromising, first[0])
  for (const attempt of [...first, ...second.slice(0, 2)]) handshakes.delete(attempt)
  for (const attempt of third) handshakes.add(attempt)
  t.equal(handshakes.leastPromising, third[0])
  for (const attempt of third) {
    Object.assign(attempt, { remoteAddress: second[0]?.remoteAddress })
    handshakes.move(attempt)
  }
  t.equal(handshakes.leastPromising, second[2], 'the oldest of the address to which all have moved')
  handshakes.limit(200)
  t.equal(handshakes.leastPromising, second[2], 'none holds too many, so the oldest of all')
})

t.test('a connection counts for the client that a proxy relays', async (t) => {
  const attempts = Array.from({ length: 16 }, (_none, index) => makeAttempt(`192.0.2.${index}`))
  const handshakes = makeHandshakes(...attempts)
  for (const attempt of attempts.slice(8)) {
    Object.assign(attempt, { remoteAddress: '203.0.113.1' })
    handshakes.move(attempt)
  }
  t.equal(handshakes.leastPromising, attempts[8])
})

t.test('IPv6 addresses with the same first 64 bits count as one client', async (t) => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
    [undefined, 'unix']
  ] as const) t.equal(networkOf(address), network, String(address))
})
