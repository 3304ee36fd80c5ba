import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { recordDelays } from '../support/delays.js'
import { asClient, connectTls, makeSite, type Site, startApp, takeTicket } from '../support/mutual-tls.js'
import { withNames } from '../support/names.js'
import type { KeyAlgorithm } from '../support/pki.js'
import { run } from '../support/programs.js'
import { line } from '../support/proxy-headers.js'

const EC = 'EC'
const RSA = 'RSA'
const NONE = 'none'

interface NamedSite {
  readonly site: Site
  readonly endpoint: string
}

/** A default with an EC key, and names with both kinds, and with one. */
async function makeNames (t: Test): Promise<NamedSite> {
  const site = await makeSite(t)
  const { endpoint, folder } = await withNames(site)
  const put = async (host: string, keyAlgorithm: KeyAlgorithm, ending = ''): Promise<void> => {
    const { key, chain } = await site.ca.issue({ name: host, usage: 'server', dnsNames: [host.replace('*', 'any')], keyAlgorithm })
    await writeFile(`${folder}/${host}.pem${ending}`, key + chain)
  }
  await put('both.test', 'P-256', '.ecdsa')
  await put('both.test', 'RSA-2048', '.rsa')
  await put('rsa.test', 'RSA-2048')
  await put('ec.test', 'P-256')
  return { site, endpoint: `${endpoint}:verify=optional` }
}

/** The kind of key and the subject that `openssl s_client` gets; `none` if the handshake fails. */
async function shown (site: Site, port: number, args: string): Promise<string> {
  const client = ['-connect', `127.0.0.1:${port}`, '-CAfile', site.path('ca.pem'), ...args.split(' ')]
  const { stdout } = await run('openssl', ['s_client', '-ign_eof', ...client], { input: 'GET / HTTP/1.0\r\n\r\n' })
  // Without a certificate of its own, which would have to be for the same signatures.
  const subject = /^subject=CN ?= ?(\S+)/m.exec(stdout)?.[1]
  if (subject === undefined || !stdout.includes('200 OK')) return NONE
  return `${/^Server public key is 2048 bit/m.test(stdout) ? RSA : EC} ${subject}`
}

/** What limits a client to a kind of key, in each version and each way. */
const LIMITS: Record<typeof EC | typeof RSA, string[]> = {
  [EC]: ['-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256', '-tls1_2 -sigalgs ECDSA+SHA256', '-tls1_3 -sigalgs ECDSA+SHA256'],
  [RSA]: [
    '-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256',
    '-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256',
    '-tls1_2 -sigalgs rsa_pss_rsae_sha256:RSA+SHA256',
    '-tls1_3 -sigalgs rsa_pss_rsae_sha256:RSA+SHA256'
  ]
}

t.test('a client that accepts one kind of key gets that key of its name, and of no other name', async (t) => {
  const { site, endpoint } = await makeNames(t)
  const { port } = await startApp(t, endpoint)
  for (const kind of [EC, RSA] as const) {
    for (const limits of LIMITS[kind]) {
      t.equal(await shown(site, port, `-servername both.test ${limits}`), `${kind} both.test`, limits)
      t.equal(await shown(site, port, `-servername rsa.test ${limits}`), kind === RSA ? 'RSA rsa.test' : NONE, limits)
      t.equal(await shown(site, port, `-servername ec.test ${limits}`), kind === EC ? 'EC ec.test' : NONE, limits)
      t.equal(await shown(site, port, `-servername unknown.test ${limits}`), kind === EC ? 'EC localhost' : NONE, limits)
      t.equal(await shown(site, port, `-noservername ${limits}`), kind === EC ? 'EC localhost' : NONE, limits)
    }
  }
  for (const version of ['-tls1_2', '-tls1_3']) {
    t.match(await shown(site, port, `-servername both.test ${version}`), / both\.test$/, 'one that takes both')
    t.equal(await shown(site, port, `-servername rsa.test ${version}`), 'RSA rsa.test')
    t.equal(await shown(site, port, `-servername ec.test ${version}`), 'EC ec.test')
  }
})

t.test('a default with both kinds of key is never used for one of the names', async (t) => {
  const { site, endpoint } = await makeNames(t)
  await site.write('rsa', await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], keyAlgorithm: 'RSA-2048' }))
  const { port } = await startApp(t, endpoint.replace(/privateKey=([^:]*):certKey=([^:]*)/, `privateKey=${site.path('rsa.key')},$1:certKey=${site.path('rsa.pem')},$2`))
  for (const kind of [EC, RSA] as const) {
    for (const limits of LIMITS[kind]) {
      t.equal(await shown(site, port, `-noservername ${limits}`), `${kind} localhost`, limits)
      t.equal(await shown(site, port, `-servername both.test ${limits}`), `${kind} both.test`, limits)
      t.equal(await shown(site, port, `-servername ec.test ${limits}`), kind === EC ? 'EC ec.test' : NONE, limits)
    }
  }
})

/** A relay that changes the first bytes of each client before it passes them to another port. */
async function openBetween (t: Test, port: number, pass: (first: Buffer, server: Socket) => Promise<void> | void): Promise<number> {
  const between = createServer({ noDelay: true }, (client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
    client.on('error', () => {})
    server.pipe(client)
    client.once('data', (first: Buffer) => {
      client.pause()
      Promise.resolve(pass(first, server)).then(() => { client.pipe(server) }, () => {})
    })
    client.once('close', () => { server.destroy() })
  }).listen(0, '127.0.0.1')
  await once(between, 'listening')
  t.teardown(() => { between.close() })
  return (between.address() as AddressInfo).port
}

async function writeTo (server: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => { server.write(bytes, () => resolve()) })
}

/** The kind of key that a client with RSA ciphers gets. */
async function nodeClient (site: Site, port: number): Promise<string | undefined> {
  const client = { ...asClient(site, site.alice), ca: site.ca.certificate, servername: 'both.test', maxVersion: 'TLSv1.2' as const, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' }
  const socket = await connectTls(port, client)
  const kind = socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType
  socket.destroy()
  return kind
}

for (const [how, pass] of [
  ['byte by byte', async (first: Buffer, server: Socket) => { for (const byte of first) await writeTo(server, Buffer.of(byte)) }],
  ['in two pieces', async (first: Buffer, server: Socket) => { for (const piece of [first.subarray(0, 60), first.subarray(60)]) await writeTo(server, piece) }],
  ['in records of 20 bytes', (first: Buffer, server: Socket) => writeTo(server, inRecords(first, 20))],
  ['in too many records of 3 bytes', (first: Buffer, server: Socket) => writeTo(server, inRecords(first, 3))]
] as const) {
  t.test(`a hello may arrive ${how}`, async (t) => {
    const { site, endpoint } = await makeNames(t)
    const { port } = await startApp(t, endpoint)
    t.equal(await nodeClient(site, await openBetween(t, port, pass)), 'rsa')
  })
}

/** Splits the record of a hello into records of the given size. */
function inRecords (record: Buffer, size: number): Buffer {
  const records: Buffer[] = []
  for (let place = 5; place < record.length; place += size) {
    const piece = record.subarray(place, place + size)
    records.push(record.subarray(0, 3), Buffer.of(0, piece.length), piece)
  }
  return Buffer.concat(records)
}

t.test('a client behind a proxy gets the key that it can verify', async (t) => {
  const { site, endpoint } = await makeNames(t)
  const { port } = await startApp(t, `haproxy:${endpoint}`)
  const between = await openBetween(t, port, (first, server) => writeTo(server, Buffer.concat([line('TCP4 192.0.2.1 192.0.2.2 5000 443'), first])))
  t.equal(await nodeClient(site, between), 'rsa')
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a session of a name is resumed until the list changes (${maxVersion})`, async (t) => {
    const { site, endpoint } = await makeNames(t)
    const { app, port } = await startApp(t, endpoint)
    const client = { ...asClient(site, site.alice), ca: site.ca.certificate, servername: 'both.test', maxVersion }
    const session = await takeTicket(port, client)
    const resumed = await connectTls(port, { ...client, session })
    t.ok(resumed.isSessionReused())
    resumed.destroy()
    await site.revoke(`tbs:${identifyCertificate(site.mallory.der).tbs}`)
    await app.endpoint.reload()
    const again = await connectTls(port, { ...client, session })
    t.notOk(again.isSessionReused())
    again.destroy()
  })
}

/** Connects, does something, and gives the code of the error that the server gets. */
async function errorAfter ({ app, port }: { app: FastifyInstance, port: number }, act: (socket: Socket) => void): Promise<string | undefined> {
  const error = once(app.server, 'tlsClientError')
  const socket = connect(port, '127.0.0.1').on('error', () => {}).resume()
  await once(socket, 'connect')
  act(socket)
  const [{ code }] = await error as [NodeJS.ErrnoException]
  socket.destroy()
  return code
}

t.test('a client that sends no hello is treated as on an endpoint without names', async (t) => {
  const { endpoint } = await makeNames(t)
  const running = await startApp(t, endpoint)
  t.equal(await errorAfter(running, (socket) => { socket.end('GET / HTTP/1.1\r\n\r\n') }), 'ERR_SSL_HTTP_REQUEST')
  t.equal(await errorAfter(running, (socket) => { socket.end() }), 'ECONNRESET')
  t.equal(await errorAfter(running, (socket) => { socket.end(Buffer.of(22, 3, 1, 1)) }), 'ECONNRESET')
  t.equal(await errorAfter(running, (socket) => { socket.resetAndDestroy() }), 'ECONNRESET')
})

t.test('a client that sends no whole hello has as much time as on an endpoint without names', async (t) => {
  const { endpoint } = await makeNames(t)
  const running = await startApp(t, `${endpoint}:handshakeTimeout=1`)
  const delays = recordDelays(t)
  t.equal(await errorAfter(running, (socket) => { socket.write(Buffer.of(22, 3, 1, 1, 0, 1, 0, 0, 252)) }), 'ERR_TLS_HANDSHAKE_TIMEOUT')
  t.equal(await errorAfter(running, () => {}), 'ERR_TLS_HANDSHAKE_TIMEOUT')
  t.same(delays.filter((delay) => delay < 0), [], 'Node.js would warn')
})

t.test('close() does not wait for a hello', async (t) => {
  const { endpoint } = await makeNames(t)
  const { app, port } = await startApp(t, endpoint)
  const socket = connect(port, '127.0.0.1').on('error', () => {}).resume()
  await once(socket, 'connect')
  socket.write(Buffer.of(22, 3, 1, 1, 0))
  // A reset is an error too.
  const gone = new Promise((resolve) => { socket.once('close', resolve) })
  await app.close()
  await gone
  t.pass('it was cut')
})
