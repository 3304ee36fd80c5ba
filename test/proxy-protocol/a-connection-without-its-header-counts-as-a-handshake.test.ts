import t from 'tap'
import { EndpointServer } from '../../lib/index.js'
import { untilConnected } from '../support/closing.js'
import { startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { seenRoute } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

t.test('maxHandshakes counts a connection until its header arrives', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute, { plugin: { maxHandshakes: 3 } })
  const server = app.server as unknown as EndpointServer
  const first = await Peer.connect(t, port)
  await untilConnected(app, 1)
  const others = [await Peer.connect(t, port), await Peer.connect(t, port)]
  await untilConnected(app, 3)
  const fourth = await Peer.connect(t, port)
  t.equal(await first.closed, '', 'the one that stalled longest is closed')
  for (const peer of [...others, fourth]) peer.send(GOOD.toString('latin1') + head())
  await Promise.all([...others, fourth].map((peer) => peer.until('}')))
  for (let more = 0; more < 5; more++) {
    const peer = await Peer.connect(t, port)
    peer.send(GOOD.toString('latin1') + head())
    await peer.until('}')
  }
  t.equal(server.clientConnections.size, 8, 'a connection with its header no longer counts')
})

t.test('at maxConnections, a connection without its header is closed before one that has sent its header', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute, { plugin: { maxConnections: 1 } })
  const silent = await Peer.connect(t, port)
  await untilConnected(app, 1)
  const next = await Peer.connect(t, port)
  t.equal(await silent.closed, '')
  await untilConnected(app, 1)
  next.send(GOOD.toString('latin1') + head())
  t.match(await next.until('}'), '192.0.2.1')
  t.equal(await (await Peer.connect(t, port)).closed, '', 'but not one that has sent its header')
})
