import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'

t.test('the plugin does not register a route that demands a certificate under a wrong name', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  const demand = { clientCertificate: 'required' }
  const allow = { allow: ['role:admin'] }
  for (const [options, named, expected] of [
    [{ config: { endpoints: demand } }, 'config.endpoints.clientCertificate', '{ clientCertificate: \'required\' }'],
    [{ config: { endPoint: demand } }, 'config.endPoint.clientCertificate', '{ clientCertificate: \'required\' }'],
    [{ config: { rateLimit: false, tls: demand } }, 'config.tls.clientCertificate', '{ clientCertificate: \'required\' }'],
    [{ config: demand }, 'config.clientCertificate', '{ clientCertificate: \'required\' }'],
    [{ config: { endpoints: allow } }, 'config.endpoints.allow', '{ allow: [...] }'],
    [{ config: { endpoint: demand, other: { allow: ['GET', 'dns:*.example.org'] } } }, 'config.other.allow', '{ allow: [...] }'],
    [{ config: allow }, 'config.allow', '{ allow: [...] }'],
    [{ endpoint: allow }, 'endpoint.allow', '{ allow: [...] }'],
    [demand, 'clientCertificate', '{ clientCertificate: \'required\' }'],
    [allow, 'allow', '{ allow: [...] }']
  ] as Array<[object, string, string]>) {
    t.throws(() => app.get('/orders', options, async () => []), {
      code: 'FST_ENDPOINT_ROUTE_CONFIG',
      message: `GET /orders: ${named} has no effect; write config: { endpoint: ${expected} }`
    })
  }
  app.register(async function service (child) {
    child.post('/orders', { config: { endpoints: demand } }, async () => [])
  })
  await t.rejects(Promise.resolve(app.ready()), { code: 'FST_ENDPOINT_ROUTE_CONFIG', message: /^POST \/orders/ }, 'in a child scope too')
})

t.test('a wrong name is also an error on an earlier route, or if a hook adds it', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  t.throws(() => app.get('/orders', { config: { endpoints: { clientCertificate: 'required' } } as object }, async () => []), { code: 'FST_ENDPOINT_ROUTE_CONFIG' })
  app.addHook('onRoute', (route) => { route.config = { endpoints: { allow: ['role:admin'] } } as object })
  t.throws(() => app.get('/orders', async () => []), { code: 'FST_ENDPOINT_ROUTE_CONFIG' })
})

t.test('the plugin ignores what other plugins keep in a config', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  app.get('/a', { config: { endpoint: { clientCertificate: 'required' } } }, async () => 'a')
  app.get('/b', { config: { clientCertificate: true, nothing: null, other: { clientCertificate: { subject: 'CN=x' } }, cors: { allow: ['GET', 'https://example.org', 1] }, allow: 'role:x' } as object }, async () => 'b')
  t.match(await app.inject('/a'), { statusCode: 403 })
  t.match(await app.inject('/b'), { statusCode: 200 })
})
