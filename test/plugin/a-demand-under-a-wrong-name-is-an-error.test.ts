import Fastify from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'

t.test('a route that demands a certificate under a wrong name is not registered', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  const demand = { clientCertificate: 'required' }
  for (const [config, named] of [
    [{ endpoints: demand }, 'endpoints.clientCertificate'],
    [{ endPoint: demand }, 'endPoint.clientCertificate'],
    [{ rateLimit: false, tls: demand }, 'tls.clientCertificate'],
    [demand, 'clientCertificate']
  ] as Array<[object, string]>) {
    t.throws(() => app.get('/orders', { config }, async () => []), {
      code: 'FST_ENDPOINT_ROUTE_CONFIG',
      message: `GET /orders: config.${named} has no effect; write config: { endpoint: { clientCertificate: 'required' } }`
    })
  }
  app.register(async function service (child) {
    child.post('/orders', { config: { endpoints: demand } }, async () => [])
  })
  await t.rejects(Promise.resolve(app.ready()), { code: 'FST_ENDPOINT_ROUTE_CONFIG', message: /^POST \/orders/ }, 'in a child scope too')
})

t.test('what other plugins keep in a config is none of its business', async (t) => {
  const app = Fastify({ serverFactory })
  t.teardown(() => app.close())
  await app.register(endpoint, { endpoint: 'tcp:0:interface=127.0.0.1' })
  app.get('/a', { config: { endpoint: { clientCertificate: 'required' } } }, async () => 'a')
  app.get('/b', { config: { clientCertificate: true, nothing: null, other: { clientCertificate: { subject: 'CN=x' } } } as object }, async () => 'b')
  t.match(await app.inject('/a'), { statusCode: 403 })
  t.match(await app.inject('/b'), { statusCode: 200 })
})
