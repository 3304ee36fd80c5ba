import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

t.test('maxRequestsPerSocket limits the requests of a connection, as in Node', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { maxRequestsPerSocket: 2 })
  const peer = await Peer.connect(t, port)
  t.match(await peer.get(), /connection: keep-alive/i)
  t.match(await peer.get(), /connection: close/i)
  peer.send(head())
  t.match(await peer.until(' 503 '), /connection: close/i)
})

t.test('without maxRequestsPerSocket, or with 0, there is no limit', async (t) => {
  for (const options of [{}, { maxRequestsPerSocket: 0 }]) {
    const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, options)
    const peer = await Peer.connect(t, port)
    for (let requests = 0; requests < 5; requests++) t.match(await peer.get(), /connection: keep-alive/i)
  }
})
