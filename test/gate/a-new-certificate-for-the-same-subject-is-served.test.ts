import t from 'tap'
import { asClient, bytesFor, get, makeSite, startApp } from '../support/mutual-tls.js'

t.test('a client with a new certificate for the subject of a revoked one is served', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { port } = await startApp(t, site.endpoint())
  const renewed = await site.ca.issue({ name: 'mallory', usage: 'client' })
  t.equal(renewed.x509.subject, site.mallory.x509.subject)
  t.match(await get(port, asClient(site, renewed)), { status: 200, body: '{"hello":"CN=mallory"}' })
  t.equal(await bytesFor(port, asClient(site, site.mallory), 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'), '')
})
