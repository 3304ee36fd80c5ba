import t from 'tap'
import type { Server } from 'node:tls'
import { makeSite, startApp } from '../support/mutual-tls.js'

t.test('the credential methods of a tls.Server throw an error that says which files to change', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, site.endpoint())
  const server = app.server as unknown as Server
  t.throws(() => server.setSecureContext({}), {
    code: 'FST_ENDPOINT_SERVER_METHOD',
    message: `server.setSecureContext() does not work with an endpoint: change its files ${['server.key', 'server.pem', 'ca.pem'].map((file) => `"${site.path(file)}"`).join(', ')}; they take effect as soon as all of them match`
  })
  t.throws(() => server.addContext('example.org', {}), { code: 'FST_ENDPOINT_SERVER_METHOD', message: /set sni= to a folder/ })
  t.throws(() => server.getTicketKeys(), { code: 'FST_ENDPOINT_SERVER_METHOD', message: /^server\.getTicketKeys\(\).*random/ })
  t.throws(() => server.setTicketKeys(Buffer.alloc(48)), { code: 'FST_ENDPOINT_SERVER_METHOD', message: /^server\.setTicketKeys\(\).*random/ })
})

t.test('with sni, the error names the folder', async (t) => {
  const site = await makeSite(t)
  const { mkdir, writeFile } = await import('node:fs/promises')
  await mkdir(site.path('names'))
  await writeFile(site.path('names/localhost.pem'), site.server.key + site.server.chain)
  const { app } = await startApp(t, `${site.endpoint()}:sni=${site.path('names')}`)
  t.throws(() => (app.server as unknown as Server).addContext('example.org', {}), { message: new RegExp(`into the folder "${site.path('names')}"`) })
})

t.test('without TLS, the error says that no endpoint uses TLS', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  t.throws(() => (app.server as unknown as Server).setSecureContext({}), { code: 'FST_ENDPOINT_SERVER_METHOD', message: /no endpoint of the app speaks TLS/ })
})
