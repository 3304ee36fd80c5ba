import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { join } from 'node:path'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, putInForce, startApp, type Site } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { freePlace, HAPROXY_DEFAULTS, hasHaproxy, startHaproxy, startPassing, untilServer, type ServerState } from '../support/proxies.js'
import { seenRoute, seenThrough } from '../support/proxied.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const SENDERS = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2-ssl', 'send-proxy-v2-ssl-cn'] as const
const CLIENT = '127.0.0.9'

/** A file with certificate and key, as HAProxy expects it. */
async function writeBoth (site: Site): Promise<string> {
  const file = site.path('both.pem')
  await writeFile(file, site.server.chain + site.server.key)
  return file
}

for (const sender of SENDERS) {
  t.test(`the app reads the header of ${sender} over TCP`, async (t) => {
    if (!hasHaproxy(t)) return
    const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
    const place = await startPassing(t, `127.0.0.1:${port} ${sender}`)
    const { clientPort, ...seen } = await seenThrough(t, place, CLIENT)
    t.match(seen, { ip: CLIENT, remotePort: clientPort, localAddress: place.host, localPort: place.port, proxyProtocol: { version: sender === 'send-proxy' ? 1 : 2, command: 'PROXY' } })
  })

  t.test(`the app reads the header of ${sender} over a unix socket`, async (t) => {
    if (!hasHaproxy(t)) return
    const path = join(makeShortFolder(t), 's')
    await startApp(t, `haproxy:unix:${path}`, seenRoute)
    const place = await startPassing(t, `unix@${path} ${sender}`)
    const { clientPort, ...seen } = await seenThrough(t, place, CLIENT)
    t.match(seen, { ip: CLIENT, remotePort: clientPort })
  })

  t.test(`with ${sender} and TLS passed through, the app checks the certificate of the client`, async (t) => {
    if (!hasHaproxy(t)) return
    const site = await makeSite(t)
    const log = new LogCapture()
    const { app, port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute, { logger: log.logger })
    const place = await startPassing(t, `127.0.0.1:${port} ${sender}`)
    const { clientPort, ...seen } = await seenThrough(t, place, CLIENT, asClient(site, site.mallory))
    t.match(seen, { ip: CLIENT, remotePort: clientPort, client: 'CN=mallory' })
    const open = new Peer(t, connectTls({ ...place, ...asClient(site, site.mallory) }))
    await open.get()
    await putInForce(app, () => site.revoke('mallory.pem'))
    await open.closed
    t.equal(await alertSeenByNode(place, asClient(site, site.mallory)), 'certificate_revoked', 'HAProxy passes the alert on')
    t.match(log.about('client rejected'), [{ remoteAddress: '127.0.0.1' }])
    t.match(await seenThrough(t, place, CLIENT, asClient(site, site.alice)), { client: 'CN=alice' })
  })
}

t.test('HAProxy passes TLS through to a unix socket', async (t) => {
  if (!hasHaproxy(t)) return
  const site = await makeSite(t)
  const path = join(makeShortFolder(t), 's')
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  await startApp(t, `haproxy:tls:transport=unix\\:${path}:privateKey=${named('server.key')}:certKey=${named('server.pem')}:authorities=${named('ca.pem')}`, seenRoute)
  const place = await startPassing(t, `unix@${path} send-proxy-v2`)
  t.match(await seenThrough(t, place, CLIENT, asClient(site, site.alice)), { ip: CLIENT, client: 'CN=alice' })
})

t.test('the app sees the TLS details of a connection that HAProxy terminates', async (t) => {
  if (!hasHaproxy(t)) return
  const site = await makeSite(t)
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const options = 'proxy-v2-options authority,crc32c,unique-id,ssl,cert-cn,ssl-cipher,cert-sig,cert-key'
  const place = await freePlace()
  await startHaproxy(t, `${HAPROXY_DEFAULTS}
listen app
  mode tcp
  unique-id-format id-%ci-%cp
  bind ${place.host}:${place.port} ssl crt ${await writeBoth(site)} ca-file ${site.path('ca.pem')} verify optional alpn http/1.1
  server app1 127.0.0.1:${port} send-proxy-v2 ${options}
`)
  const tls = { ...asClient(site, site.alice), ALPNProtocols: ['http/1.1'], minVersion: 'TLSv1.3' } as const
  const { proxyProtocol, ip, clientPort, client } = await seenThrough(t, place, CLIENT, tls)
  t.equal(ip, CLIENT)
  t.equal(client, undefined, 'a certificate that HAProxy received does not count')
  t.match(proxyProtocol, {
    alpn: 'http/1.1',
    authority: 'localhost',
    uniqueId: { type: 'Buffer', data: [...Buffer.from(`id-${CLIENT}-${clientPort}`)] },
    ssl: { secure: true, certificateOnConnection: true, certificateInSession: true, verify: 0, verified: true, version: 'TLSv1.3', commonName: 'alice', cipher: /^TLS_/, signatureAlgorithm: String, keyAlgorithm: String }
  })
  const anonymous = await seenThrough(t, place, CLIENT, { ...asClient(site), ALPNProtocols: ['http/1.1'] })
  t.match(anonymous.proxyProtocol?.ssl, { secure: true, certificateOnConnection: false, verify: 0, verified: false })
  t.equal(anonymous.proxyProtocol?.ssl?.commonName, undefined)
})

t.test('HAProxy in HTTP mode sends a header for each of its clients', async (t) => {
  if (!hasHaproxy(t)) return
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const place = await freePlace()
  await startHaproxy(t, `${HAPROXY_DEFAULTS}
listen app
  mode http
  bind ${place.host}:${place.port}
  server app1 127.0.0.1:${port} send-proxy-v2
`)
  for (const client of ['127.0.0.9', '127.0.0.10', '127.0.0.9', '127.0.0.11']) t.match(await seenThrough(t, place, client), { ip: client })
})

t.test('a connection of HAProxy without a header is closed, and the log says what is missing', async (t) => {
  if (!hasHaproxy(t)) return
  const log = new LogCapture()
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute, { logger: log.logger })
  const place = await startPassing(t, `127.0.0.1:${port}`)
  const peer = new Peer(t, connect(place))
  await once(peer.socket, 'connect')
  peer.send(head())
  t.equal(await peer.closed, '')
  t.match(await log.line('proxy connection rejected'), { reason: 'missing', detail: /send-proxy/ })
})

/** An asterisk means that a check is running, and the state is the previous one. */
const isChecked = ({ check }: ServerState): boolean => check !== '' && check !== 'INI' && !check.startsWith('*')

for (const { name, server, options = '', result, inner, secure = true } of [
  { name: 'a check that connects and sends a header of version 1', server: 'send-proxy check-send-proxy', result: 'L4OK' },
  { name: 'a check that connects and sends a header of version 2', server: 'send-proxy-v2 check-send-proxy', result: 'L4OK' },
  { name: 'a check that connects and closes without sending anything', server: 'send-proxy-v2 no-check-send-proxy port $PORT', result: 'L4OK' },
  { name: 'a check that only makes a TLS handshake', server: 'send-proxy-v2 check-send-proxy check-ssl verify none', inner: ':verify=optional', result: 'L6OK' },
  { name: 'a check that sends a request, in the clear', server: 'send-proxy-v2 check-send-proxy', options: 'option httpchk GET /', secure: false, result: 'L7OK' },
  { name: 'a check that sends a request after a header of version 1, in the clear', server: 'send-proxy check-send-proxy', options: 'option httpchk GET /', secure: false, result: 'L7OK' },
  { name: 'a check that sends a request over TLS', server: 'send-proxy-v2 check-send-proxy check-ssl verify none', options: 'option httpchk GET /', inner: ':verify=optional', result: 'L7OK' }
] as const satisfies ReadonlyArray<{ name: string, server: string, result: string, options?: string, inner?: string, secure?: boolean }>) {
  t.test(`${name} passes and logs no warning`, async (t) => {
    if (!hasHaproxy(t)) return
    const site = await makeSite(t)
    const log = new LogCapture()
    const { port } = await startApp(t, `haproxy:${secure ? site.endpoint() + (inner ?? '') : 'tcp:0:interface=127.0.0.1'}`, seenRoute, { logger: log.logger })
    const api = join(makeShortFolder(t), 'api')
    const place = await freePlace()
    await startHaproxy(t, `
global
  stats socket ${api}
${HAPROXY_DEFAULTS}
listen app
  mode tcp
  ${options}
  bind ${place.host}:${place.port}
  server app1 127.0.0.1:${port} check inter 1s ${server.replace('$PORT', String(port))}
`)
    t.match(await untilServer(api, isChecked), { status: 'UP', check: result })
    const seen = secure ? await seenThrough(t, place, CLIENT, asClient(site, site.alice)) : await seenThrough(t, place, CLIENT)
    t.equal(seen.ip, CLIENT)
    t.match(await untilServer(api, isChecked), { status: 'UP', check: result }, 'again')
    t.strictSame(log.lines.filter(({ level }) => level > 30), [])
  })
}
