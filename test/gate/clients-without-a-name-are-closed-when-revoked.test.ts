import { once } from 'node:events'
import t from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a revoked client without a subject is cut off like any other, and does not shield the clients after it', async (t) => {
  const site = await makeSite(t)
  // As SPIFFE defines it, the name is in the alternative names only.
  const nameless = await site.ca.issue({ name: 'O=', usage: 'client', dnsNames: ['workload.example'] })
  await site.write('nameless', nameless)
  const { app, port } = await startApp(t, site.endpoint())
  const clients = []
  for (const leaf of [nameless, site.mallory]) {
    const client = await connectTls(port, asClient(site, leaf))
    client.on('error', () => {}).resume()
    client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(client, 'data')
    clients.push(client)
  }
  const closed = Promise.all(clients.map((client) => once(client, 'close')))
  await putInForce(app, () => site.revoke('nameless.pem\nmallory.pem'))
  await closed
  t.ok(clients.every(({ destroyed }) => destroyed))
})
