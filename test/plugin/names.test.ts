import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('the plugin and its hooks have names that tell whose they are', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1', (app) => { app.get('/guarded', async () => ({})) })
  t.match(app.printPlugins(), 'fastify-endpoint')
  t.ok(app.hasPlugin('fastify-endpoint'))
  const routes = app.printRoutes({ includeHooks: true })
  t.match(routes, /guarded \(GET[^]*onRequest\) \["refuseRevoked\(\)"\]/)
  t.match(routes, /guarded \(GET[^]*preParsing\) \["demandCertificate\(\)"\]/)
})
