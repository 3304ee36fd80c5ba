import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

t.test('with verify=optional, a client without a certificate is served, a good certificate is reported, and a bad one is rejected with its alert', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { port } = await startApp(t, `${site.endpoint()}:verify=optional`, (app) => {
    app.get('/', async (request) => ({ who: request.clientCertificate?.subject ?? null }))
    app.get('/orders', { config: { endpoint: { clientCertificate: 'required' } } }, async () => 'orders')
  })
  const foreigner = await (await createAuthority({ name: 'Elsewhere' })).issue({ name: 'foreigner', usage: 'client' })
  const expired = await site.ca.issue({ name: 'late', usage: 'client', notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') })

  t.same(JSON.parse((await get(port, asClient(site))).body), { who: null })
  t.same(JSON.parse((await get(port, asClient(site, site.alice))).body), { who: 'CN=alice' })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, foreigner)), 'unknown_ca')
  t.equal(await alertSeenByNode({ port }, asClient(site, expired)), 'certificate_expired')

  t.equal((await get(port, asClient(site, site.alice), '/orders')).body, 'orders')
  const anonymous = await get(port, asClient(site), '/orders')
  t.equal(anonymous.status, 403)
  t.equal(JSON.parse(anonymous.body).code, 'FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED')
})
