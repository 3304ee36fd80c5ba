import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

const REQUIRED = { config: { endpoint: { clientCertificate: 'required' } } } as const

function routes (app: FastifyInstance): void {
  app.get('/health', async () => ({}))
  app.get('/account', REQUIRED, async (request) => request.clientCertificate?.subject)
  app.register(async (child) => { child.get('/deep', REQUIRED, async (request) => request.clientCertificate?.subject) })
}

t.test('one route can require a client certificate while the others are open to everybody', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:verify=optional`, routes)
  t.equal((await get(port, asClient(site), '/health')).status, 200)
  for (const path of ['/account', '/deep']) {
    const refused = await get(port, asClient(site), path)
    t.equal(refused.status, 403)
    t.match(JSON.parse(refused.body), { code: 'FST_ENDPOINT_CLIENT_CERTIFICATE_REQUIRED', message: 'This route requires a client certificate' })
    t.match(await get(port, asClient(site, site.alice), path), { status: 200, body: 'CN=alice' })
  }
})

t.test('no client of an endpoint without TLS has a certificate', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', routes)
  t.equal((await fetch(`http://127.0.0.1:${port}/account`)).status, 403)
  t.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200)
})
