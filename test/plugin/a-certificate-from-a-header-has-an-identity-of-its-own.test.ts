import { X509Certificate } from 'node:crypto'
import t from 'tap'
import { makeAllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'

t.test('a certificate that an app takes from a header gives no client the identity or roles of another client', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=proxy'])
  const clients = [site.alice, site.mallory].map(({ certificate }) => new X509Certificate(certificate))
  const { port } = await startApp(t, site.allowed, (app) => {
    app.addHook('onRequest', async (request) => {
      const index = request.headers['x-client']
      if (index !== undefined) Object.defineProperty(request, 'clientCertificate', { value: clients[Number(index)] })
    })
    app.get('/', async ({ clientIdentity }) => ({ name: clientIdentity?.commonName, roles: clientIdentity?.roles }))
    app.get('/alice', { config: { endpoint: { allow: ['cn:alice'] } } }, async () => 'hello')
  })
  const ask = async (path: string, headers = {}) => await get(port, { ...asClient(site, site.alice), headers }, path)
  t.same(JSON.parse((await ask('/')).body), { name: 'alice', roles: ['proxy'] })
  t.same(JSON.parse((await ask('/', { 'x-client': '1' })).body), { name: 'mallory', roles: [] })
  t.same(JSON.parse((await ask('/', { 'x-client': '0' })).body), { name: 'alice', roles: [] })
  t.equal((await ask('/alice', { 'x-client': '1' })).status, 403)
  t.equal((await ask('/alice')).status, 200)
})
