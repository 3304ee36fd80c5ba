import underPressure from '@fastify/under-pressure'
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

t.test('@fastify/under-pressure answers its own requests beside the gate', async (t) => {
  const site = await makeSite(t)
  let healthy = true
  const { port } = await startApp(t, site.endpoint(), async (app) => {
    await app.register(underPressure, { healthCheck: async () => healthy, healthCheckInterval: 10, exposeStatusRoute: '/status', pressureHandler: (_request, reply) => { reply.code(503).send('busy') } })
    app.get('/', async () => 'hello')
  })
  t.match(await get(port, asClient(site, site.alice), '/status'), { status: 200 })
  t.match(await get(port, asClient(site, site.alice)), { status: 200, body: 'hello' })
  healthy = false
  let answer = await get(port, asClient(site, site.alice))
  for (let tries = 0; answer.status === 200 && tries < 1000; tries++) answer = await get(port, asClient(site, site.alice))
  t.match(answer, { status: 503, body: 'busy' })
})
