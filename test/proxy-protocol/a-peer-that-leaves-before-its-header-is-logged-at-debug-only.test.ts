import t from 'tap'
import { untilConnected } from '../support/closing.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { seenRoute } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

t.test('a peer that leaves before, within or right after its header is logged at debug level only', async (t) => {
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
