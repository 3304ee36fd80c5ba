import t from 'tap'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer } from '../support/peer.js'

// Fastify applies these options only to servers that it creates itself.

t.test('keepAliveTimeout ends a connection that is idle after a request', async (t) => {
  const site = await makeSite(t)
  const options = { keepAliveTimeout: 50, connectionTimeout: 0 }
  const plain = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, options)
  const peer = await Peer.connect(t, plain.port)
  t.match(await peer.get(), /keep-alive: timeout=/i)
  await peer.closed
  const secure = await startApp(t, site.endpoint(), undefined, options)
  const alice = new Peer(t, await connectTls(secure.port, asClient(site, site.alice)))
  await alice.get()
  await alice.closed
})

t.test('connectionTimeout ends a connection without traffic', async (t) => {
  const site = await makeSite(t)
  const options = { connectionTimeout: 50 }
  const plain = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, options)
  t.equal(await (await Peer.connect(t, plain.port)).closed, '')
  const secure = await startApp(t, site.endpoint(), undefined, options)
  t.equal(await new Peer(t, await connectTls(secure.port, asClient(site, site.alice))).closed, '')
})

t.test('requestTimeout answers 408 to a request that does not finish in time', async (t) => {
  const site = await makeSite(t)
  // How often Node looks for slow requests is an option of its http server.
  const options = { requestTimeout: 100, http: { connectionsCheckingInterval: 50 } } as object
  const plain = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, options)
  const peer = await Peer.connect(t, plain.port)
  peer.send('GET / HTTP/1.1\r\nhost: loc')
  t.match(await peer.closed, /^HTTP\/1\.1 408 /)
  const secure = await startApp(t, site.endpoint(), undefined, options)
  const alice = new Peer(t, await connectTls(secure.port, asClient(site, site.alice)))
  alice.send('GET / HTTP/1.1\r\nhost: loc')
  t.match(await alice.closed, /^HTTP\/1\.1 408 /)
})
