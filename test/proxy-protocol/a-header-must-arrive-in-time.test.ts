import { once } from 'node:events'
import t from 'tap'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { openListener } from '../support/open-listener.js'
import { Peer } from '../support/peer.js'
import { connectBehind, connectTlsBehind } from '../support/proxied.js'
import { binary, line } from '../support/proxy-headers.js'
import { until } from '../support/until.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')
const LATE = { msg: 'proxy connection rejected', level: 40, reason: 'late', remoteAddress: '127.0.0.1' }

t.test('handshakeTimeout of tls: limits the time for a header that does not begin or does not end', async (t) => {
  const site = await makeSite(t)
  const { port, clock, log, headersAwaited } = await openListener(t, `haproxy:${site.endpoint()}:handshakeTimeout=3`)
  const parts = [Buffer.alloc(0), GOOD.subarray(0, 20), binary().subarray(0, 15), binary({ length: 2000 })]
  const peers = await Promise.all(parts.map(async (part) => new Peer(t, await connectBehind(port, part))))
  await headersAwaited(parts.length)
  clock.forward(2999)
  t.equal(clock.pending, parts.length, 'no connection is closed too early')
  clock.forward(1)
  t.same(await Promise.all(peers.map(({ closed }) => closed)), ['', '', '', ''])
  t.match(log, [LATE, LATE, LATE, LATE])
})

t.test('without TLS, a header has ten seconds to arrive', async (t) => {
  const { port, clock, log, headersAwaited } = await openListener(t, 'haproxy:tcp:0:interface=127.0.0.1')
  const peer = await Peer.connect(t, port)
  await headersAwaited(1)
  clock.forward(9999)
  t.equal(clock.pending, 1)
  clock.forward(1)
  t.equal(await peer.closed, '')
  t.match(log, [LATE])
})

t.test('a header that arrives byte by byte gets no extra time', async (t) => {
  const { port, clock, raws, headersAwaited } = await openListener(t, 'haproxy:tcp:0:interface=127.0.0.1')
  const peer = await Peer.connect(t, port)
  await headersAwaited(1)
  const header = binary({ length: 4000 })
  for (let sent = 0; sent < 20; sent++) {
    t.equal(clock.pending, 1, `after ${sent} bytes`)
    peer.socket.write(header.subarray(sent, sent + 1))
    await until('the byte is read', () => raws[0]?.bytesRead === sent + 1)
    clock.forward(500)
  }
  t.equal(await peer.closed, '')
})

t.test('the time limit of the header ends when the header has arrived', async (t) => {
  const site = await makeSite(t)
  const { port, clock, log, fed } = await openListener(t, `haproxy:${site.endpoint()}`)
  const admitted = once(fed, 'socket')
  await connectTlsBehind(port, GOOD, asClient(site, site.alice))
  const [socket] = await admitted
  t.equal(clock.pending, 0)
  clock.forward(3_600_000)
  t.equal(socket.destroyed, false)
  t.same(log, [])
})

t.test('the handshake after the header has only the rest of the time', async (t) => {
  const site = await makeSite(t)
  const { port, clock, headersAwaited } = await openListener(t, `haproxy:${site.endpoint()}:handshakeTimeout=3600`)
  const peer = await Peer.connect(t, port)
  await headersAwaited(1)
  clock.forward(3_599_999)
  peer.send(GOOD.toString('latin1'))
  t.equal(await peer.closed, '', 'within a millisecond, not within an hour')
})
