import { once } from 'node:events'
import t from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a swap closes the idle connection of a revoked client and keeps that of a good client', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint())
  const [alice, mallory] = await Promise.all([site.alice, site.mallory].map((leaf) => connectTls(port, asClient(site, leaf))))
  if (alice === undefined || mallory === undefined) throw new Error('no connections')
  for (const client of [alice, mallory]) {
    client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    t.match(String((await once(client, 'data'))[0]), /200 OK/)
  }
  mallory.on('error', () => {})
  const cut = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await cut
  t.notOk(alice.destroyed)
  alice.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.match(String((await once(alice, 'data'))[0]), /200 OK/)
})
