import Fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import endpoint, { serverFactory } from '../../lib/index.js'
import { asClient, get, makeSite } from '../support/mutual-tls.js'

const REQUIRED = { config: { endpoint: { clientCertificate: 'required' } } } as const

t.test('the gate guards routes that were declared before the plugin was registered', async (t) => {
  const site = await makeSite(t)
  const app = Fastify({ serverFactory, forceCloseConnections: true }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  app.get('/same', REQUIRED, async (request) => request.clientCertificate?.subject)
  app.register(async (child) => { child.get('/child', REQUIRED, async (request) => request.clientCertificate?.subject) })
  await app.register(endpoint, { endpoint: `${site.endpoint()}:verify=optional` })
  await app.listen()
  const { port } = app.server.address() as { port: number }
  for (const path of ['/same', '/child']) {
    t.equal((await get(port, asClient(site), path)).status, 403, path)
    t.match(await get(port, asClient(site, site.alice), path), { status: 200, body: 'CN=alice' }, path)
  }
})
