import t from 'tap'
import { closesAtOnce, untilConnected } from '../support/closing.js'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'

const HALF_A_HEAD = 'GET / HTTP/1.1\r\nhost: loc'

t.test('close() closes plain connections that have no request', async (t) => {
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { forceCloseConnections: 'idle' })
  const silent = await Peer.connect(t, port)
  const begun = await Peer.connect(t, port)
  begun.send(HALF_A_HEAD)
  const kept = await Peer.connect(t, port)
  await kept.get()
  const again = await Peer.connect(t, port)
  await again.get()
  again.send(HALF_A_HEAD)
  await untilConnected(app, 4)
  await closesAtOnce(t, app)
  await Promise.all([silent, begun, kept, again].map(({ closed }) => closed))
})

t.test('close() closes connections that have not started TLS, or have not sent a request', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint(), undefined, { forceCloseConnections: 'idle' })
  const silent = await Peer.connect(t, port)
  const begun = await Peer.connect(t, port)
  // The header of a TLS record that announces 512 bytes of a ClientHello, and the first two bytes.
  begun.send('\x16\x03\x01\x02\x00\x01\x00')
  const [shaken, half, kept] = await Promise.all([0, 1, 2].map(async () => new Peer(t, await connectTls(port, asClient(site, site.alice))))) as [Peer, Peer, Peer]
  half.send(HALF_A_HEAD)
  await kept.get()
  await untilConnected(app, 5)
  await closesAtOnce(t, app)
  await Promise.all([silent, begun, shaken, half, kept].map(({ closed }) => closed))
})
