import t from 'tap'
import { untilConnected } from '../support/closing.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'
import { seenRoute } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'

const GOOD = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

t.test('close() closes peers that have sent no header, part of a header, or nothing after it', async (t) => {
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
