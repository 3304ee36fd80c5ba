import helmet from '@fastify/helmet'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

t.test('@fastify/helmet adds its headers to responses and to rejections by a route', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:verify=optional`, async (app) => {
    await app.register(helmet)
    app.get('/', async () => 'hello')
    app.get('/account', { config: { endpoint: { clientCertificate: 'required' } } }, async () => 'mine')
  })
  for (const [path, status] of [['/', 200], ['/account', 403]] as const) {
    const answer = await get(port, asClient(site), path)
    t.equal(answer.status, status)
    t.match(answer.headers, { 'strict-transport-security': /max-age/, 'x-content-type-options': 'nosniff' })
  }
})
