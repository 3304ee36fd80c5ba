import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'

function routes (app: FastifyInstance): void {
  app.get('/health', async () => 'well')
  app.get('/orders', { config: { endpoint: { allow: ['role:reader', 'uri:spiffe://example.org/ns/shop/*'] } } }, async () => 'orders')
  app.get('/admin', { config: { endpoint: { allow: ['role:admin'] } } }, async (request) => request.clientIdentity?.roles)
}

t.test('a route allows clients by a role of the list or by a name', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=reader', 'cn:mallory', 'uri:spiffe://example.org/*'])
  const [shop, other] = await Promise.all(['shop/a', 'other/a'].map((path) => issueWorkload(site.ca, `spiffe://example.org/ns/${path}`)))
  const { port } = await startApp(t, site.allowed, routes)
  for (const [client, health, orders, admin] of [[site.alice, 200, 200, 403], [site.mallory, 200, 403, 403], [shop, 200, 200, 403], [other, 200, 403, 403]] as const) {
    t.same(await Promise.all(['/health', '/orders', '/admin'].map(async (path) => (await get(port, asClient(site, client), path)).status)), [health, orders, admin])
  }
  t.match(JSON.parse((await get(port, asClient(site, site.mallory), '/orders')).body), {
    statusCode: 403,
    code: 'FST_ENDPOINT_CLIENT_NOT_ALLOWED',
    message: 'The client may not use this route'
  })
})

t.test('a route rejects a client without a certificate just as a route that requires a certificate does', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=reader'])
  const { port } = await startApp(t, [`${site.allowed}:verify=optional`, 'tcp:0:interface=127.0.0.1'], routes)
  t.equal((await get(port, asClient(site), '/health')).status, 200)
  const refused = await get(port, asClient(site), '/orders')
  t.equal(refused.status, 403)
  t.match(JSON.parse(refused.body), { code: 'FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED' })
  t.equal((await get(port, asClient(site, site.alice), '/orders')).status, 200)
})

t.test('a route allows clients by name without an allowed list', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint(), (app) => { app.get('/', { config: { endpoint: { allow: ['cn:alice'] } } }, async () => 'orders') })
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  t.equal((await get(port, asClient(site, site.mallory))).status, 403)
})

t.test('roles change with the list, starting with the next request of an open connection', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=reader'])
  const { app, port } = await startApp(t, site.allowed, routes)
  const socket = await connectTls(port, asClient(site, site.alice))
  socket.on('error', () => {})
  const ask = async (path: string): Promise<string> => {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`)
    return String((await once(socket, 'data'))[0]).slice(9, 12)
  }
  t.same([await ask('/orders'), await ask('/admin')], ['200', '403'])
  await site.allow('cn:alice role=admin')
  await app.endpoint.reload()
  t.same([await ask('/orders'), await ask('/admin')], ['403', '200'])
  await site.allow('cn:alice role=admin', 'cn:alice role=reader,admin')
  await app.endpoint.reload()
  t.same([await ask('/orders'), await ask('/admin')], ['200', '200'], 'the roles of several rules add up')
  socket.destroy()
})

t.test('a role that no rule grants causes one warning, which names its route', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=reader'])
  const log = new LogCapture()
  await startApp(t, site.allowed, routes, { logger: log.logger })
  const WARNING = 'route names a role that no rule of allowedFile gives'
  t.match(log.about(WARNING), [{ level: 40, role: 'admin', route: 'GET "/admin"', didYouMean: undefined }])
  t.equal(log.about(WARNING).length, 1)

  await site.allow('cn:alice role=reader,Admins')
  await startApp(t, site.allowed, routes, { logger: log.logger })
  t.match(log.about(WARNING)[1], { role: 'admin', didYouMean: 'Admins' })
})
