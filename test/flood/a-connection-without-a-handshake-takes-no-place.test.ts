/** A connection without a handshake never ends the handshake of another client. */
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import t from 'tap'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { Relay } from '../support/relay.js'

t.test('at the limit of handshakes, a plain connection to another endpoint is served, and no handshake is dropped', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, [`${site.endpoint()}:handshakeTimeout=600`, 'tcp:0:interface=127.0.0.1'], undefined, { plugin: { maxHandshakes: 1 } })
  const [tls, tcp] = app.endpoint.listeners.map(({ address }) => address) as [AddressInfo, AddressInfo]
  const relay = await Relay.open(t, tls.port, { flights: 1 })
  const slow = connect({ host: '127.0.0.1', port: relay.port, ...asClient(site, site.alice) })
  // A client of TLS 1.3 has shaken hands before its Finished arrives.
  const peer = new Peer(t, slow)
  slow.once('secureConnect', () => { peer.send(head()) })
  await relay.held
  t.equal((await fetch(`http://127.0.0.1:${tcp.port}/`)).status, 200)
  relay.release()
  t.match(await peer.until('HTTP/1.1 200 '), /^HTTP/)
})
