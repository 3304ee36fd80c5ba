import t from 'tap'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

const LARGE = 'x'.repeat(700_000)

t.test('with alpn=h2+http/1.1 one endpoint serves HTTP/2 and HTTP/1.1, with the certificate of the client', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async (request) => ({ hello: request.clientCertificate?.subject, version: request.raw.httpVersion, ip: request.ip }))
    app.post('/', async (request) => request.body)
  })
  const session = await openSession(port, asClient(site, site.alice))
  t.same(JSON.parse((await ask2(session)).body), { hello: 'CN=alice', version: '2.0', ip: '127.0.0.1' })
  t.equal((await ask2(session, '/', LARGE)).body, LARGE)
  session.close()
  t.same(JSON.parse((await get(port, asClient(site, site.alice))).body), { hello: 'CN=alice', version: '1.1', ip: '127.0.0.1' })
})

t.test('curl speaks HTTP/2 to the endpoint', async (t) => {
  if (!hasProgram(t, 'curl')) return
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`)
  const { stdout } = await run('curl', ['--silent', '--include', '--http2', '--cacert', site.path('ca.pem'), '--cert', site.path('alice.pem'), '--key', site.path('alice.key'), `https://localhost:${port}/`])
  t.match(stdout, /^HTTP\/2 200/)
  t.match(stdout, /CN=alice/)
})

t.test('without alpn, the handshake of a client that speaks only HTTP/2 fails with an alert', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, site.endpoint())
  await t.rejects(openSession(port, { ...asClient(site, site.alice), ALPNProtocols: ['h2'] }), { code: /^ERR_SSL_.*_ALERT_NO_APPLICATION_PROTOCOL$/ })
})

t.test('an app with Fastify\'s own option http2 works the same way', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, undefined, { http2: true } as object)
  const session = await openSession(port, asClient(site, site.alice))
  t.equal((await ask2(session)).status, 200)
  session.close()
})

t.test('nghttp and h2load speak HTTP/2 to the endpoint, with many streams at a time', async (t) => {
  if (!hasProgram(t, 'nghttp2')) return
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:verify=optional:alpn=h2+http/1.1`)
  const url = `https://localhost:${port}/`
  const { stdout } = await run('nghttp', ['--verbose', '--no-verify-peer', `--cert=${site.path('alice.pem')}`, `--key=${site.path('alice.key')}`, url])
  t.match(stdout, /The negotiated protocol: h2/)
  t.match(stdout, /:status: 200/)
  t.match(stdout, /CN=alice/)
  const load = await run('h2load', ['--requests=2000', '--clients=10', '--max-concurrent-streams=20', url])
  t.match(load.stdout, /Application protocol: h2/)
  t.match(load.stdout, /requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored, 0 timeout/)
})
