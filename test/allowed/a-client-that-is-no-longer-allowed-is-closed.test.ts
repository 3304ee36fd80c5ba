import { once } from 'node:events'
import { appendFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { asClient, connectTls, get, startApp } from '../support/mutual-tls.js'

t.test('only the connections of that client are closed, and a rule and a revocation that change together are one swap', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:mallory', 'uri:spiffe://example.org/ns/shop/*'])
  const orders = await issueWorkload(site.ca, 'spiffe://example.org/ns/shop/sa/orders')
  const { app, port } = await startApp(t, site.allowed)
  const open = async (client: typeof orders) => {
    const socket = await connectTls(port, asClient(site, client))
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'data')
    return socket
  }
  const [alice, mallory, workload] = [await open(site.alice), await open(site.mallory), await open(orders)]
  const closed = Promise.all([once(alice, 'close'), once(mallory, 'close')])
  const [listener] = app.endpoint.listeners
  t.equal(listener?.allowed?.generation, 1)
  writeFileSync(site.path('next.txt'), 'uri:spiffe://example.org/ns/shop/*\ncn:mallory\n')
  utimesSync(site.path('next.txt'), 0, 0)
  // In one turn of the event loop: between two turns there may be time for a load.
  renameSync(site.path('next.txt'), site.path('allowed.txt'))
  appendFileSync(site.path('revoked.txt'), `tbs:${identifyCertificate(site.mallory.der).tbs}\n`)
  await closed
  t.equal(listener?.allowed?.generation, 2, 'one swap')
  workload.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.match(String((await once(workload, 'data'))[0]), /^HTTP\/1\.1 200 /)
  workload.destroy()
  await t.rejects(get(port, asClient(site, site.alice)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  await t.rejects(get(port, asClient(site, site.mallory)), { code: /^ERR_SSL_.*_ALERT_CERTIFICATE_REVOKED$/ })
})
