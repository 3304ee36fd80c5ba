import { mock } from 'node:test'
import t from 'tap'
import { untilConnected } from '../support/closing.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'

t.test('a peer that does not complete its handshake within handshakeTimeout is closed', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:handshakeTimeout=7`)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const peer = await Peer.connect(t, port)
  await untilConnected(app, 1)
  mock.timers.tick(6_999)
  t.equal((await get(port, asClient(site, site.alice))).status, 200, 'not a moment earlier')
  t.equal(peer.socket.readyState, 'open')
  mock.timers.tick(1)
  t.equal(await peer.closed, '')
})
