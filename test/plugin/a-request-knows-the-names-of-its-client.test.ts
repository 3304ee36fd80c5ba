import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import type { ClientIdentity } from '../../lib/index.js'
import { ClientIdentities } from '../../lib/plugin/client-identity.js'
import { alternativeNames, DNS, EMAIL, generalName, issue, URI } from '../support/allowed.js'
import { asClient, connectTls, get, makeSite, startApp, takeTicket } from '../support/mutual-tls.js'

const NAMES = {
  dnsNames: ['A.Example.org', 'b.example.org'],
  uris: ['spiffe://example.org/ns/shop'],
  emails: ['Alice@Example.org'],
  ipAddresses: ['192.0.2.1', '2001:db8::1']
}
const EXPECTED: ClientIdentity = {
  commonName: 'alice',
  dns: ['a.example.org', 'b.example.org'],
  uris: ['spiffe://example.org/ns/shop'],
  emails: ['Alice@example.org'],
  ips: ['192.0.2.1', '2001:db8::1'],
  spiffeId: 'spiffe://example.org/ns/shop',
  roles: []
}

/** The identities of the requests of an app, as its handler saw them. */
function routes (seen: Array<ClientIdentity | undefined>) {
  return (app: FastifyInstance): void => {
    app.get('/', async (request) => {
      seen.push(request.clientIdentity)
      return request.clientIdentity ?? { nobody: true }
    })
  }
}

async function ask (socket: TLSSocket): Promise<void> {
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'data')
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: a request has the names of the certificate, read once for each new or resumed connection`, async (t) => {
    const site = await makeSite(t)
    const client = await site.ca.issue({ name: 'alice', usage: 'client', ...NAMES })
    const seen: Array<ClientIdentity | undefined> = []
    const { port } = await startApp(t, site.endpoint(), routes(seen))
    const options: ConnectionOptions = { ...asClient(site, client), minVersion: version, maxVersion: version }
    t.strictSame(JSON.parse((await get(port, options)).body), EXPECTED)

    const session = await takeTicket(port, options)
    seen.length = 0
    const resumed = await connectTls(port, { ...options, session })
    resumed.on('error', () => {})
    await ask(resumed)
    t.ok(resumed.isSessionReused())
    await ask(resumed)
    await ask(resumed)
    t.strictSame(seen[0], EXPECTED)
    t.equal(seen[1], seen[0], 'the same object for each request of a connection')
    t.equal(seen[2], seen[0])
    resumed.destroy()
  })
}

t.test('HTTP/2: all streams share the names of the certificate', async (t) => {
  const site = await makeSite(t)
  const client = await site.ca.issue({ name: 'alice', usage: 'client', ...NAMES })
  const seen: Array<ClientIdentity | undefined> = []
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, routes(seen))
  const session = connectHttp2(`https://localhost:${port}`, { ...asClient(site, client), host: '127.0.0.1', port })
  for (let time = 0; time < 3; time++) {
    const stream = session.request({ ':path': '/' })
    stream.resume()
    await once(stream, 'end')
  }
  session.destroy()
  t.strictSame(seen[0], EXPECTED)
  t.same(seen.map((identity) => identity === seen[0]), [true, true, true])
})

t.test('the identity is frozen', async (t) => {
  const site = await makeSite(t)
  const seen: Array<ClientIdentity | undefined> = []
  const { port } = await startApp(t, site.endpoint(), routes(seen))
  await get(port, asClient(site, await site.ca.issue({ name: 'alice', usage: 'client', ...NAMES })))
  const [identity] = seen
  t.ok(Object.isFrozen(identity))
  for (const key of ['dns', 'uris', 'emails', 'ips', 'roles'] as const) t.ok(Object.isFrozen(identity?.[key]), key)
  t.throws(() => { (identity as { roles: unknown }).roles = ['admin'] }, TypeError)
  t.throws(() => { (identity?.roles as string[]).push('admin') }, TypeError)
})

t.test('a request without a certificate has no identity', async (t) => {
  const site = await makeSite(t)
  const seen: Array<ClientIdentity | undefined> = []
  const { app, port } = await startApp(t, [`${site.endpoint()}:verify=optional`, 'tcp:0:interface=127.0.0.1'], routes(seen))
  t.same(JSON.parse((await get(port, asClient(site))).body), { nobody: true })
  const [, plain] = app.endpoint.listeners.map(({ address }) => (address as { port: number }).port)
  t.same(await (await fetch(`http://127.0.0.1:${plain}/`)).json(), { nobody: true })
  t.same((await app.inject('/')).json(), { nobody: true })
  t.same(seen, [undefined, undefined, undefined])
  t.match(JSON.parse((await get(port, asClient(site, site.alice))).body), { commonName: 'alice', dns: [], uris: [], emails: [], ips: [] }, 'with one there is')
})

t.test('a connection keeps its names when the rules are reloaded', async (t) => {
  const site = await makeSite(t)
  const client = await site.ca.issue({ name: 'alice', usage: 'client', ...NAMES })
  const seen: Array<ClientIdentity | undefined> = []
  const { app, port } = await startApp(t, site.endpoint(), routes(seen))
  const socket = await connectTls(port, asClient(site, client))
  socket.on('error', () => {})
  await ask(socket)
  await site.revoke('mallory.pem')
  await app.endpoint.reload()
  await ask(socket)
  socket.destroy()
  t.strictSame(seen, [EXPECTED, EXPECTED])
  t.equal(seen[0]?.dns, seen[1]?.dns, 'which is not read again')
})

t.test('a test can inject a client by its certificate', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1', routes([]))
  const { x509 } = await issue({ name: 'alice', ...NAMES })
  t.same((await app.inject('/')).json(), { nobody: true })
  const other = await startApp(t, 'tcp:0:interface=127.0.0.1', (app) => {
    app.addHook('onRequest', async (request) => { Object.defineProperty(request, 'clientCertificate', { value: x509 }) })
    routes([])(app)
  })
  t.strictSame((await other.app.inject('/')).json(), EXPECTED)
})

t.test('names that identify no client are left out', async (t) => {
  const identities = new ClientIdentities()
  const client = await issue({
    name: 'CN=alice, CN=bob',
    extensions: [alternativeNames(
      ...['*.example.org', 'a.example.org\0.evil.test', 'a.example.org.', 'A.example.org'].map((name) => generalName(DNS, name)),
      ...['a@b@c', 'a@example.org'].map((name) => generalName(EMAIL, name)),
      ...['spiffe://example.org/a', 'https://example.org/*'].map((name) => generalName(URI, name))
    )]
  })
  const identity = identities.of(client.x509, undefined)
  t.strictSame({ ...identity }, { commonName: undefined, dns: ['a.example.org'], uris: ['spiffe://example.org/a'], emails: ['a@example.org'], ips: [], spiffeId: undefined, roles: [] })
  t.equal(identities.of(client.x509, undefined), identity)
  t.not(identities.of(new X509Certificate(client.der), undefined), identity, 'of another object')
  const twice = alternativeNames(generalName(DNS, 'a.example.org'))
  t.strictSame({ ...identities.of((await issue({ name: 'alice', extensions: [twice, twice] })).x509, undefined) },
    { commonName: undefined, dns: [], uris: [], emails: [], ips: [], spiffeId: undefined, roles: [] }, 'all of them, if subjectAltName is repeated')
})

t.test('a client with odd names is served, and does not end the process', async (t) => {
  const site = await makeSite(t)
  const seen: Array<ClientIdentity | undefined> = []
  const { port } = await startApp(t, site.endpoint(), routes(seen))
  const odd = [
    alternativeNames(generalName(DNS, 'x, DNS:admin.example.org'), generalName(URI, '\0'), generalName(DNS, Buffer.alloc(3000, 0xff))),
    alternativeNames(...Array.from({ length: 2000 }, (_, at) => generalName(DNS, `${at}.example.org`)))
  ]
  for (const extension of odd) {
    const client = await site.ca.issue({ name: 'alice', usage: 'client', extensions: [extension] })
    t.equal((await get(port, asClient(site, client))).status, 200)
  }
  t.match(seen.map((identity) => [identity?.commonName, ...identity?.dns ?? []]), [['alice', 'x, dns:admin.example.org'], [undefined]])
})
