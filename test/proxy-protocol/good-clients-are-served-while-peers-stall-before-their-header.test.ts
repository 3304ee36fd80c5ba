import t from 'tap'
import { EndpointServer } from '../../lib/index.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { connectTlsBehind, seenRoute } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

t.test('good clients are served while thirty peers stall in the middle of their headers', async (t) => {
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
