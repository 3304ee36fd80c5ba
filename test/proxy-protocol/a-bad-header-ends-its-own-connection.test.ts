import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { EndpointServer } from '../../lib/index.js'
import { untilConnected } from '../support/closing.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { connectBehind, connectTlsBehind, seenRoute } from '../support/proxied.js'
import { binary, line } from '../support/proxy-headers.js'

const WARN = 40
const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

const BAD: Array<[name: string, bytes: Buffer, reason: string]> = [
  ['no header, but HTTP', Buffer.from(head()), 'missing'],
  ['no header, but a ClientHello', Buffer.from('16030100050100000103', 'hex'), 'missing'],
  ['garbage', Buffer.from('\u001b[31mGARBAGE\r\n\0\u009b'), 'missing'],
  ['an address that is none', Buffer.concat([line('TCP4 999.168.0.1 192.0.2.1 1 2'), Buffer.from(head())]), 'address_invalid'],
  ['a line that does not end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`), 'line_too_long'],
  ['version 3', Buffer.concat([binary({ command: 0x31 }), Buffer.from(head())]), 'version_unknown']
]

for (const secure of [false, true]) {
  t.test(`${secure ? 'below TLS' : 'in the clear'}, and harms nobody else`, async (t) => {
    const site = await makeSite(t)
    const log = new LogCapture()
    const { port } = await startApp(t, `haproxy:${secure ? site.endpoint() : 'tcp:0:interface=127.0.0.1'}`, seenRoute, { logger: log.logger })
    const good = new Peer(t, secure ? await connectTlsBehind(port, GOOD, asClient(site, site.alice)) : await connectBehind(port, GOOD))
    await good.get()
    for (const [name, bytes, reason] of BAD) {
      const peer = await Peer.connect(t, port)
      peer.send(bytes.toString('latin1'))
      t.equal(await peer.closed, '', `${name}: not a byte in answer`)
      t.match(await good.get(), /200 OK/)
      const last = log.about('proxy refused').at(-1)
      if (log.about('proxy refused').length < 5) t.match(last, { level: WARN, reason, remoteAddress: '127.0.0.1' }, name)
    }
    t.equal(log.about('proxy refused').length, 5, 'one peer fills five lines, not more')
    t.notMatch(JSON.stringify(log.lines), /999\.168|GET \/ HTTP|GARBAGE|11111111/, 'nothing of what was sent is in the log')
  })
}

/** A peer that says a part of a header, and no more; gives the milliseconds until it is cut off. */
async function stall (t: Test, port: number, bytes: Buffer): Promise<number> {
  const begun = performance.now()
  const peer = await Peer.connect(t, port)
  peer.send(bytes.toString('latin1'))
  t.equal(await peer.closed, '')
  return performance.now() - begun
}

t.test('a header that does not come, or not to its end, is waited for until handshakeTimeout', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, `haproxy:${site.endpoint()}:handshakeTimeout=1`, seenRoute, { logger: log.logger })
  const times = await Promise.all([Buffer.alloc(0), GOOD.subarray(0, 20), binary().subarray(0, 15), binary({ length: 2000 })].map((bytes) => stall(t, port, bytes)))
  for (const time of times) t.ok(time > 900, `${time} ms`)
  t.match(log.about('proxy refused').map(({ reason }) => reason), ['late', 'late', 'late', 'late'])
})

t.test('a header that trickles in has no more time than one that does not', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, `haproxy:${site.endpoint()}:handshakeTimeout=1`, seenRoute, { logger: log.logger })
  const peer = await Peer.connect(t, port)
  const header = binary({ length: 4000 })
  let sent = 0
  for (; !peer.socket.destroyed && sent < 1000; sent++) {
    peer.socket.write(header.subarray(sent, sent + 1))
    await Promise.race([peer.closed, wait(20)])
  }
  t.ok(sent < 1000, `closed after ${sent} bytes`)
  t.match(await log.line('proxy refused'), { reason: 'late' })
})

t.test('the handshake behind a late header has only the time that is left', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}:handshakeTimeout=3`, seenRoute)
  const begun = performance.now()
  const peer = await Peer.connect(t, port)
  // Of the three seconds, more than two.
  await wait(2200)
  peer.send(GOOD.toString('latin1'))
  await peer.closed
  const took = performance.now() - begun
  t.ok(took > 2900 && took < 4900, `${took} ms`)
})

t.test('a connection whose header was in time goes on past handshakeTimeout', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}:handshakeTimeout=1`, seenRoute)
  const peer = new Peer(t, await connectTlsBehind(port, GOOD, asClient(site, site.alice)))
  await peer.get()
  await wait(1300)
  t.match(await peer.get(), /200 OK/)
})

t.test('in the clear ten seconds are the bound', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const time = await stall(t, port, Buffer.from('PROXY '))
  t.ok(time > 9900, `${time} ms`)
})

t.test('a connection counts as one in its handshake until its header is there', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute, { plugin: { maxHandshakes: 3 } })
  const server = app.server as unknown as EndpointServer
  const first = await Peer.connect(t, port)
  await untilConnected(app, 1)
  const others = [await Peer.connect(t, port), await Peer.connect(t, port)]
  await untilConnected(app, 3)
  const fourth = await Peer.connect(t, port)
  t.equal(await first.closed, '', 'the one that stalled longest makes room')
  for (const peer of [...others, fourth]) peer.send(GOOD.toString('latin1') + head())
  await Promise.all([...others, fourth].map((peer) => peer.until('}')))
  for (let more = 0; more < 5; more++) {
    const peer = await Peer.connect(t, port)
    peer.send(GOOD.toString('latin1') + head())
    await peer.until('}')
  }
  t.equal(server.clientConnections.size, 8, 'who is through does not count any more')
})

t.test('good clients are served while many peers stall before their header', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute, { plugin: { maxHandshakes: 50 } })
  for (let wave = 0; wave < 10; wave++) {
    const peers = await Promise.all(Array.from({ length: 30 }, () => Peer.connect(t, port)))
    for (const peer of peers) peer.send('PROXY TCP4')
    const good = new Peer(t, await connectTlsBehind(port, GOOD, asClient(site, site.alice)))
    t.match(await good.get(), /192\.0\.2\.1/)
    good.socket.destroy()
    await good.closed
  }
  t.ok((app.server as unknown as EndpointServer).clientConnections.size <= 51)
})

t.test('a peer that leaves without a header, or in the middle of it, is no trouble and no line above debug', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, [`haproxy:${site.endpoint()}`, 'haproxy:tcp:0:interface=127.0.0.1'], seenRoute, { logger: log.logger })
  const ports = app.endpoint.listeners.map(({ address }) => (address as { port: number }).port)
  t.equal(ports[0], port)
  const before = log.lines.length
  for (const port of ports) {
    for (const bytes of ['', 'PROXY', GOOD.toString('latin1').slice(0, -1), GOOD.toString('latin1')]) {
      for (const leave of ['end', 'resetAndDestroy'] as const) {
        const peer = await Peer.connect(t, port)
        if (bytes !== '') await new Promise((resolve) => { peer.socket.write(bytes, resolve) })
        peer.socket[leave]()
        await peer.closed
      }
    }
  }
  await untilConnected(app, 0)
  t.strictSame(log.lines.slice(before).filter(({ level }) => level > 20), [])
})

t.test('close() waits for no peer that has not sent its header', async (t) => {
  for (const inner of ['tcp:0:interface=127.0.0.1', (await makeSite(t)).endpoint()]) {
    const { app, port } = await startApp(t, `haproxy:${inner}`, seenRoute, { forceCloseConnections: 'idle' })
    const silent = await Peer.connect(t, port)
    const begun = await Peer.connect(t, port)
    begun.send('PROXY TCP4 192.')
    const through = await Peer.connect(t, port)
    through.send(GOOD.toString('latin1'))
    await untilConnected(app, 3)
    await app.close()
    await Promise.all([silent, begun, through].map(({ closed }) => closed))
  }
  t.pass()
})

t.test('maxConnections counts those that have not sent their header, and they make room', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute, { plugin: { maxConnections: 1 } })
  const silent = await Peer.connect(t, port)
  await untilConnected(app, 1)
  const next = await Peer.connect(t, port)
  t.equal(await silent.closed, '')
  await untilConnected(app, 1)
  next.send(GOOD.toString('latin1') + head())
  t.match(await next.until('}'), '192.0.2.1')
  t.equal(await (await Peer.connect(t, port)).closed, '', 'but who is through does not')
})
