import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import rateLimit from '@fastify/rate-limit'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { LogCapture } from '../support/log.js'
import { withoutLoopback6 } from '../support/loopback.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { connectTlsBehind, seenBehind, seenIn, seenRoute, type Seen } from '../support/proxied.js'
import { binary, IPV6, line, NOTHING, sslVector, unixAddresses, vector } from '../support/proxy-headers.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const CLIENT = {
  ip: '192.0.2.1',
  remoteAddress: '192.0.2.1',
  remotePort: 56324,
  remoteFamily: 'IPv4',
  localAddress: '198.51.100.7',
  localPort: 443,
  localFamily: 'IPv4'
}
const CLIENT6 = { ip: '2001:db8::1', remoteAddress: '2001:db8::1', remotePort: 56324, remoteFamily: 'IPv6', localAddress: '2001:db8::7', localPort: 443, localFamily: 'IPv6' }
const TEXT = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

/** What the app sees of a header, over TLS. */
async function seenOverTls (t: Test, where: number | string, header: Buffer, options: ReturnType<typeof asClient>): Promise<Seen> {
  const peer = new Peer(t, await connectTlsBehind(where, header, options))
  peer.send(head('/', 'connection: close'))
  return seenIn(await peer.closed)
}

t.test('the app sees the real client over TCP, with headers of both versions', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  t.match(await seenBehind(t, port, TEXT), { ...CLIENT, proxyProtocol: { version: 1, command: 'PROXY' } })
  t.match(await seenBehind(t, port, binary()), { ...CLIENT, proxyProtocol: { version: 2, command: 'PROXY' } })
  t.match(await seenBehind(t, port, binary({ family: 0x21, addresses: IPV6 })), CLIENT6)
})

t.test('the app sees the real client over IPv6', { skip: withoutLoopback6 }, async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp6:0:interface=\\:\\:1', seenRoute)
  const peer = new Peer(t, connect(port, '::1'))
  peer.send(TEXT.toString('latin1') + head('/', 'connection: close'))
  t.match(seenIn(await peer.closed), CLIENT)
})

t.test('the app sees the real client over a unix socket, which has no addresses of its own', async (t) => {
  const path = join(makeShortFolder(t), 's')
  await startApp(t, `haproxy:unix:${path}`, seenRoute)
  t.match(await seenBehind(t, path, TEXT), CLIENT)
  const seen = await seenBehind(t, path, binary({ command: 0x20, family: 0, addresses: NOTHING }))
  t.equal(seen.remoteAddress, undefined)
  t.match(seen.proxyProtocol, { command: 'LOCAL' })
})

t.test('the app sees the real client and its certificate over mutual TLS', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute)
  t.match(await seenOverTls(t, port, TEXT, asClient(site, site.alice)), { ...CLIENT, client: 'CN=alice' })
  t.match(await seenOverTls(t, port, binary({ vectors: [vector(0x02, 'localhost')] }), asClient(site, site.alice)), { ...CLIENT, client: 'CN=alice', proxyProtocol: { authority: 'localhost' } })
})

t.test('the app sees the real client over ssl: and over TLS on a unix socket', async (t) => {
  const site = await makeSite(t)
  const [key, certificate, path] = [site.path('server.key'), site.path('server.pem'), join(makeShortFolder(t), 's')].map(quoteEndpointArgument)
  const { port } = await startApp(t, `haproxy:ssl:0:interface=127.0.0.1:privateKey=${key}:certKey=${certificate}`, seenRoute)
  t.match(await seenOverTls(t, port, TEXT, asClient(site)), CLIENT)
  await startApp(t, `haproxy:tls:transport=unix\\:${path}:privateKey=${key}:certKey=${certificate}`, seenRoute)
  t.match(await seenOverTls(t, path as string, binary(), asClient(site)), CLIENT)
})

t.test('the app sees the real client over HTTP/2', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}:alpn=h2+http/1.1`, seenRoute)
  const socket = await connectTlsBehind(port, binary({ vectors: [vector(0x05, 'id')] }), { ...asClient(site, site.alice), ALPNProtocols: ['h2'] })
  t.equal(socket.alpnProtocol, 'h2')
  const session = connectHttp2('https://localhost', { createConnection: () => socket })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  let body = ''
  stream.setEncoding('utf8').on('data', (part: string) => { body += part })
  await once(stream, 'end')
  t.match(JSON.parse(body), { ...CLIENT, client: 'CN=alice', proxyProtocol: { uniqueId: { type: 'Buffer', data: [...Buffer.from('id')] } } })
})

t.test('the app sees the real client on every request of a connection, and on an upgraded socket', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  app.server.on('upgrade', (_request, socket) => { socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n${(socket as Socket).remoteAddress}`) })
  const peer = await Peer.connect(t, port)
  peer.send(TEXT.toString('latin1'))
  t.match(seenIn(await peer.get()), CLIENT)
  t.match(seenIn(await peer.get()), CLIENT)
  peer.send(head('/', 'connection: upgrade', 'upgrade: echo'))
  t.match(await peer.closed, /192\.0\.2\.1$/)
})

for (const [name, header] of [
  ['UNKNOWN', line('UNKNOWN')],
  ['LOCAL', binary({ command: 0x20, family: 0, addresses: NOTHING })],
  ['LOCAL with addresses', binary({ command: 0x20 })],
  ['UNSPEC', binary({ family: 0, addresses: NOTHING })],
  ['unix addresses', binary({ family: 0x31, addresses: unixAddresses('/a', '/b') })]
] as const) {
  t.test(`with ${name} the addresses stay those of the socket`, async (t) => {
    const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
    t.match(await seenBehind(t, port, header), { ip: '127.0.0.1', remoteAddress: '127.0.0.1', localAddress: '127.0.0.1', localPort: port })
  })
}

t.test('request.proxyProtocol holds all values of the header', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const { proxyProtocol } = await seenBehind(t, port, binary({
    vectors: [vector(0x01, 'h2'), vector(0x02, 'example.org'), vector(0x05, 'unique'), sslVector(0x07, 0, vector(0x22, 'alice')), vector(0x30, 'blue')]
  }))
  t.same(proxyProtocol, {
    version: 2,
    command: 'PROXY',
    transport: 'stream',
    source: { family: 'IPv4', address: '192.0.2.1', port: 56324 },
    destination: { family: 'IPv4', address: '198.51.100.7', port: 443 },
    alpn: 'h2',
    authority: 'example.org',
    uniqueId: { type: 'Buffer', data: [...Buffer.from('unique')] },
    ssl: { secure: true, certificateOnConnection: true, certificateInSession: true, verify: 0, verified: true, commonName: 'alice' },
    networkNamespace: 'blue'
  })
})

t.test('request.proxyProtocol is undefined without haproxy, and for an injected request', async (t) => {
  const plain = await startApp(t, 'tcp:0:interface=127.0.0.1', seenRoute)
  t.equal((await seenBehind(t, plain.port, NOTHING)).proxyProtocol, undefined)
  const proxied = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  t.equal((await proxied.app.inject('/')).json().proxyProtocol, undefined)
})

t.test('the log names the real client and the whole endpoint string', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const log = new LogCapture()
  const description = `haproxy:${site.endpoint()}`
  const { port, app } = await startApp(t, description, seenRoute, { logger: log.logger })
  t.equal(app.endpoint.listeners[0]?.description, description)
  await seenOverTls(t, port, TEXT, asClient(site, site.alice))
  t.match(await log.line('incoming request'), { req: { remoteAddress: '192.0.2.1', remotePort: 56324 } })
  const refused = await connectTlsBehind(port, line('TCP4 203.0.113.5 198.51.100.7 1 2'), asClient(site, site.mallory)).catch(() => undefined)
  refused?.on('error', () => {})
  t.match(await log.line('client rejected'), { reason: 'certificate_revoked', remoteAddress: '203.0.113.5', endpoint: description })
  const alice = await connectTlsBehind(port, line('TCP4 203.0.113.6 198.51.100.7 1 2'), asClient(site, site.alice))
  alice.on('error', () => {}).write(head())
  await once(alice, 'data')
  await site.revoke('alice.pem')
  await app.endpoint.reload()
  t.match(await log.line('connection closed: its client is no longer admitted'), { remoteAddress: '203.0.113.6' })
})

t.test('@fastify/rate-limit counts each client by its own address', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', async (app) => {
    await app.register(rateLimit, { max: 1, timeWindow: 60_000 })
    app.get('/', async (request) => request.ip)
  })
  const statusOf = async (header: Buffer): Promise<string | undefined> => {
    const peer = await Peer.connect(t, port)
    peer.send(header.toString('latin1') + head('/', 'connection: close'))
    return (await peer.closed).split(' ')[1]
  }
  t.equal(await statusOf(TEXT), '200')
  t.equal(await statusOf(binary()), '429', 'the same client again')
  t.equal(await statusOf(line('TCP4 192.0.2.2 198.51.100.7 56324 443')), '200')
  t.equal(await statusOf(line('TCP6 2001:db8::1 ::1 56324 443')), '200')
  t.equal(await statusOf(line('TCP6 2001:0db8:0:0:0:0:0:1 ::1 56324 443')), '429', 'the same address in another spelling')
})
