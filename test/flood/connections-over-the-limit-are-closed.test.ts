import { once } from 'node:events'
import t from 'tap'
import { asClient, bytesFor, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'

t.test('a connection over maxConnections is closed at once, and a new one is accepted when another ends', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(), undefined, { plugin: { maxConnections: 2 } })
  const client = asClient(site, site.alice)
  const first = await connectTls(port, client)
  const second = await connectTls(port, client)
  for (const socket of [first, second]) {
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'data')
  }
  t.equal(await bytesFor(port, client, 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), '')
  first.end()
  await once(first, 'close')
  t.equal((await get(port, client)).status, 200)
  second.destroy()
})

t.test('limits that are not positive integers are refused', async (t) => {
  const site = await makeSite(t)
  await t.rejects(startApp(t, site.endpoint(), undefined, { plugin: { maxConnections: 0 } }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /maxConnections/ })
  await t.rejects(startApp(t, site.endpoint(), undefined, { plugin: { maxHandshakes: 1.5 } }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /maxHandshakes/ })
})
