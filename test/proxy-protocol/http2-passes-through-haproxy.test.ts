import { once } from 'node:events'
import { connect } from 'node:http2'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import t, { type Test } from 'tap'
import { ask2 } from '../support/http2-client.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, putInForce, startApp, type RunningApp, type Site } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'
import { hasHaproxy, startPassing, type Place } from '../support/proxies.js'

const CLIENT = '127.0.0.9'

async function startBehind (t: Test, site: Site, log = new LogCapture()): Promise<RunningApp & { place: Place }> {
  const running = await startApp(t, `haproxy:${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async (request) => ({ ip: request.ip, remotePort: request.raw.socket.remotePort, client: request.clientCertificate?.subject, version: request.raw.httpVersion, proxy: request.proxyProtocol?.version }))
  }, { logger: log.logger })
  return { ...running, place: await startPassing(t, `127.0.0.1:${running.port} send-proxy-v2`) }
}

t.test('curl speaks HTTP/2 through HAProxy, and the app sees the address and the certificate of curl', async (t) => {
  if (!hasHaproxy(t) || !hasProgram(t, 'curl')) return
  const site = await makeSite(t)
  const { place } = await startBehind(t, site)
  const { stdout, stderr } = await run('curl', ['--silent', '--show-error', '--http2', '--interface', CLIENT, '--connect-to', `localhost:443:${place.host}:${place.port}`, '--cacert', site.path('ca.pem'), '--cert', site.path('alice.pem'), '--key', site.path('alice.key'), 'https://localhost/'])
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), { ip: CLIENT, client: 'CN=alice', version: '2.0', proxy: 2 })
})

t.test('Node\'s client speaks HTTP/2 through HAProxy, and a revocation ends its session and no other', async (t) => {
  if (!hasHaproxy(t)) return
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, place } = await startBehind(t, site, log)
  const open = async (leaf: Site['alice']) => {
    const socket = connectTls({ ...place, ...asClient(site, leaf), localAddress: CLIENT, ALPNProtocols: ['h2'] } as ConnectionOptions)
    const session = connect('https://localhost', { createConnection: () => socket }).on('error', () => {})
    t.teardown(() => session.destroy())
    await once(session, 'connect')
    return { session, port: socket.localPort }
  }
  const [alice, mallory] = [await open(site.alice), await open(site.mallory)]
  t.match(JSON.parse((await ask2(mallory.session)).body), { ip: CLIENT, remotePort: mallory.port, client: 'CN=mallory', version: '2.0' })
  t.match(JSON.parse((await ask2(alice.session)).body), { ip: CLIENT, remotePort: alice.port, client: 'CN=alice' })
  const cut = once(mallory.session, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await cut
  t.match(await log.line('connection closed: its client is no longer admitted'), { reason: 'certificate_revoked', remoteAddress: CLIENT })
  t.match(JSON.parse((await ask2(alice.session)).body), { client: 'CN=alice' })
})
