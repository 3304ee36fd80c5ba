import t from 'tap'
import { makeSite, startApp } from '../support/mutual-tls.js'

t.test('the plugin and its hooks have names that tell whose they are', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, `${site.endpoint()}:verify=optional`, (app) => { app.get('/guarded', { config: { endpoint: { clientCertificate: 'required' } } }, async () => ({})) })
  t.match(app.printPlugins(), 'fastify-endpoint')
  t.ok(app.hasPlugin('fastify-endpoint'))
  const routes = app.printRoutes({ includeHooks: true })
  t.match(routes, /guarded \(GET[^]*onRequest\) \["refuseRevoked\(\)"\]/)
  t.match(routes, /guarded \(GET[^]*preParsing\) \["demandClient\(\)"\]/)
  t.match(routes, /guarded \(GET[^]*preHandler\) \["refuseRevoked\(\)"\]/)
})

t.test('where nobody is asked for a certificate no hook looks at one; where one of several endpoints asks, it does', async (t) => {
  const site = await makeSite(t)
  const named = (file: string): string => site.path(file)
  const anonymous = ['tcp:0:interface=127.0.0.1', `ssl:0:interface=127.0.0.1:privateKey=${named('server.key')}:certKey=${named('server.pem')}`]
  for (const [endpoints, guarded] of [[anonymous, false], [[...anonymous, site.endpoint()], true]] as const) {
    const { app } = await startApp(t, endpoints)
    t.equal(app.printRoutes({ includeHooks: true }).includes('refuseRevoked'), guarded)
  }
})
