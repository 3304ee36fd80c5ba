import t from 'tap'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

t.test('data that is not a ClientHello ends only its own connection', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint())
  const alice = new Peer(t, await connectTls(port, asClient(site, site.alice)))
  await alice.get()
  for (const [name, bytes] of [
    ['plain HTTP', head()],
    ['zeros', '\0'.repeat(64)],
    ['an alert', '\x15\x03\x01\x00\x02\x02\x28'],
    ['a record of application data', '\x17\x03\x03\x00\x05hello'],
    ['a ClientHello that is cut short', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03']
  ] as const) {
    const peer = await Peer.connect(t, port)
    peer.send(bytes)
    if (name.includes('short')) peer.socket.end()
    t.notMatch(await peer.closed, 'HTTP/1.1', name)
    t.match(await alice.get(), /200 OK/)
  }
  const leaving = await Peer.connect(t, port)
  leaving.send('\x16\x03\x01')
  leaving.socket.resetAndDestroy()
  await leaving.closed
  t.match(await alice.get(), /200 OK/)
})
