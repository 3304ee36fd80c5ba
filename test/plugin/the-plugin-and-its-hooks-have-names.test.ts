import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'

t.test('the plugin and its hooks have names that show where they come from', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, `${site.endpoint()}:verify=optional`, (app) => { app.get('/guarded', { config: { endpoint: { clientCertificate: 'required' } } }, async () => ({})) })
  t.match(app.printPlugins(), 'fastify-endpoint')
  t.ok(app.hasPlugin('fastify-endpoint'))
  const routes = app.printRoutes({ includeHooks: true })
  t.match(routes, /guarded \(GET[^]*onRequest\) \["refuseRevoked\(\)","demandClient\(\)"\]/)
  t.match(routes, /guarded \(GET[^]*preHandler\) \["refuseRevoked\(\)"\]/)
})

t.test('hooks check certificates only if at least one endpoint requests them', async (t) => {
  const site = await makeSite(t)
  const named = (file: string): string => site.path(file)
  const anonymous = ['tcp:0:interface=127.0.0.1', `ssl:0:interface=127.0.0.1:privateKey=${named('server.key')}:certKey=${named('server.pem')}`]
  for (const [endpoints, guarded] of [[anonymous, false], [[...anonymous, site.endpoint()], true]] as const) {
    const { app } = await startApp(t, endpoints)
    t.equal(app.printRoutes({ includeHooks: true }).includes('refuseRevoked'), guarded)
  }
})
