/** While tls-alpn-01 is outstanding (RFC 8737): who gets which certificate, however the hello arrives. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect as connectRaw, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { startChallenged } from '../support/challenged.js'
import { recordDelays } from '../support/delays.js'
import { until } from '../support/until.js'

/** What a client got: the fingerprint of the certificate, and the protocol, or the error. */
async function knock (port: number, options: ConnectionOptions): Promise<{ fingerprint?: string | undefined, protocol?: string | false | null, error?: string, socket: TLSSocket }> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  return await new Promise((resolve) => {
    socket.once('secureConnect', () => { resolve({ fingerprint: socket.getPeerX509Certificate()?.fingerprint256, protocol: socket.alpnProtocol, socket }) })
    socket.on('error', ({ message }) => { resolve({ error: message, socket }) })
  })
}

const VALIDATOR = { servername: 'example.org', ALPNProtocols: ['acme-tls/1'] }

/** A relay that changes how the first bytes of a client arrive. */
async function relayed (t: Test, port: number, change: (hello: Buffer) => Buffer[]): Promise<number> {
  const server = createServer((client) => {
    const onward = connectRaw({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, onward]) socket.on('error', () => { client.destroy(); onward.destroy() })
    onward.pipe(client)
    client.once('data', (hello: Buffer) => {
      client.pause()
      const send = async (): Promise<void> => {
        for (const piece of change(hello)) {
          onward.write(piece)
          await new Promise(setImmediate)
        }
        client.pipe(onward)
      }
      send().catch(() => {})
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** The same hello in records of a few bytes each. */
function inRecords (hello: Buffer, size: number): Buffer {
  const body = hello.subarray(5)
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size)
    pieces.push(Buffer.from([22, 3, 1, piece.length >> 8, piece.length & 0xff]), piece)
  }
  return Buffer.concat(pieces)
}

t.test('a validator gets its certificate, and nothing behind it', async (t) => {
  const site = await startChallenged(t, { prepare: (app) => { app.get('/', async () => 'hello') } })
  const [port] = site.ports as [number]
  const events: string[] = []
  for (const event of ['secureConnection', 'request', 'connection', 'clientError', 'tlsClientError']) site.app.server.on(event, () => { events.push(event) })
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { fingerprint, protocol, socket } = await knock(port, { ...VALIDATOR, minVersion: version, maxVersion: version })
    t.same({ fingerprint, protocol }, { fingerprint: site.validation.x509.fingerprint256, protocol: 'acme-tls/1' }, version)
    socket.write('GET / HTTP/1.1\r\nhost: example.org\r\n\r\n')
    let received = ''
    socket.on('data', (data) => { received += String(data) })
    await once(socket, 'close')
    t.equal(received, '', 'no answer')
  }
  t.equal((await knock(port, { ...VALIDATOR, servername: 'EXAMPLE.org' })).fingerprint, site.validation.x509.fingerprint256, 'names have no case')
  t.same(events, [], 'neither HTTP nor the app sees it')
  await until('all connections have ended', () => site.connections() === 0)
})

t.test('everybody else gets the ordinary certificate', async (t) => {
  const site = await startChallenged(t, { prepare: (app) => { app.get('/', async () => 'hello') }, more: ':alpn=h2+http/1.1' })
  const [port] = site.ports as [number]
  const clients: Array<[string, ConnectionOptions, string | false]> = [
    ['a browser', { servername: 'example.org', ALPNProtocols: ['h2', 'http/1.1'] }, 'h2'],
    ['a client without ALPN', { servername: 'example.org' }, false],
    ['a client that offers the protocol beside another', { servername: 'example.org', ALPNProtocols: ['acme-tls/1', 'http/1.1'] }, 'http/1.1'],
    ['a client that offers it second', { servername: 'example.org', ALPNProtocols: ['http/1.1', 'acme-tls/1'] }, 'http/1.1'],
    ['a client of TLS 1.2', { servername: 'example.org', ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2' }, 'http/1.1']
  ]
  for (const [who, options, expected] of clients) {
    const { fingerprint, protocol, socket } = await knock(port, options)
    t.not(fingerprint, site.validation.x509.fingerprint256, who)
    t.ok(fingerprint, who)
    t.equal(protocol, expected, who)
    socket.destroy()
  }
  for (const [who, options] of [
    ['a validator for a name without a challenge', { servername: 'www.example.org', ALPNProtocols: ['acme-tls/1'] }],
    ['a validator for another name', { servername: 'other.example', ALPNProtocols: ['acme-tls/1'] }],
    ['a validator without a name', { servername: '', ALPNProtocols: ['acme-tls/1'] }]
  ] as Array<[string, ConnectionOptions]>) {
    const { fingerprint, error } = await knock(port, options)
    t.equal(fingerprint, undefined, who)
    t.match(error, /no application protocol/, `${who} is refused by OpenSSL`)
  }
  const response = await new Promise<string>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'example.org', ca: site.ca.certificate, ALPNProtocols: ['http/1.1'] })
    let text = ''
    socket.on('data', (data) => { text += String(data) }).on('end', () => { resolve(text) })
    socket.write('GET / HTTP/1.1\r\nhost: example.org\r\nconnection: close\r\n\r\n')
  })
  t.match(response, /^HTTP\/1\.1 200 OK[^]*hello$/)
})

t.test('a hello may arrive in pieces and in many records', async (t) => {
  const site = await startChallenged(t)
  const [port] = site.ports as [number]
  for (const [how, change] of [
    ['byte by byte', (hello) => [...hello].map((byte) => Buffer.of(byte))],
    ['in records of 20 bytes', (hello) => [inRecords(hello, 20)]],
    ['in records of 100 bytes, each in two pieces', (hello) => {
      const all = inRecords(hello, 100)
      const pieces: Buffer[] = []
      for (let at = 0; at < all.length; at += 52) pieces.push(all.subarray(at, at + 52))
      return pieces
    }]
  ] as Array<[string, (hello: Buffer) => Buffer[]]>) {
    const through = await relayed(t, port, change)
    t.equal((await knock(through, VALIDATOR)).fingerprint, site.validation.x509.fingerprint256, `a validator, ${how}`)
    const { fingerprint, socket } = await knock(through, { servername: 'example.org', ALPNProtocols: ['http/1.1'] })
    t.ok(fingerprint !== undefined && fingerprint !== site.validation.x509.fingerprint256, `a browser, ${how}`)
    socket.destroy()
  }
})

t.test('what is no hello is left to OpenSSL', async (t) => {
  const site = await startChallenged(t, { more: ':handshakeTimeout=1' })
  const [port] = site.ports as [number]
  const delays = recordDelays(t)
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '', '\x16\x03\x01', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00', '\x15\x03\x03\x00\x02\x02\x28']) {
    const socket = connectRaw({ port, host: '127.0.0.1' }).on('error', () => {}).resume() as Socket
    socket.write(Buffer.from(bytes, 'latin1'))
    await once(socket, 'close')
    t.pass(`closed after ${JSON.stringify(bytes)}`)
  }
  t.same(delays.filter((delay) => delay < 0), [], 'Node.js would warn')
})

t.test('a client that leaves is forgotten', async (t) => {
  const site = await startChallenged(t)
  const [port] = site.ports as [number]
  const socket = connectRaw({ port, host: '127.0.0.1' }).on('error', () => {})
  await once(socket, 'connect')
  socket.resetAndDestroy()
  t.equal((await knock(port, VALIDATOR)).fingerprint, site.validation.x509.fingerprint256)
  await until('all connections have ended', () => site.connections() === 0)
})

t.test('a validator is asked for no client certificate, and gets past no gate, also behind a proxy', async (t) => {
  const site = await startChallenged(t, {
    before: 'haproxy:',
    more: ':authorities=FOLDER/ca.pem',
    prepare: async (app, folder, ca) => {
      await writeFile(join(folder, 'ca.pem'), ca.certificate)
      app.get('/', async () => 'secret')
    }
  })
  const [port] = site.ports as [number]
  const through = async (options: ConnectionOptions): ReturnType<typeof knock> => {
    const socket = connectRaw({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    socket.write('PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n')
    return await knock(port, { ...options, socket })
  }
  const validator = await through(VALIDATOR)
  t.equal(validator.fingerprint, site.validation.x509.fingerprint256)
  validator.socket.write('GET / HTTP/1.1\r\nhost: example.org\r\n\r\n')
  let received = ''
  validator.socket.on('data', (data) => { received += String(data) })
  await once(validator.socket, 'close')
  t.equal(received, '')
  const stranger = await through({ servername: 'example.org', ALPNProtocols: ['http/1.1'], maxVersion: 'TLSv1.2' })
  t.match(stranger.error, /handshake failure|ECONNRESET/, 'a stranger without a certificate stays outside')
})

t.test('a session of a validator cannot be resumed by anybody', async (t) => {
  const site = await startChallenged(t)
  const [port] = site.ports as [number]
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined
    const { socket } = await knock(port, { ...VALIDATOR, minVersion: version, maxVersion: version })
    socket.on('session', (found) => { session = found })
    await once(socket, 'close')
    session ??= socket.getSession()
    const next = await knock(port, { servername: 'example.org', ALPNProtocols: ['http/1.1'], maxVersion: version, ...session !== undefined && { session } })
    t.notOk(next.socket.isSessionReused(), version)
    t.not(next.fingerprint, site.validation.x509.fingerprint256)
    next.socket.destroy()
  }
})

t.test('a challenge that another node has just stored is answered at once, also while strangers make this one look', async (t) => {
  const site = await startChallenged(t, { hasChallenges: false, isDue: true })
  const [port] = site.ports as [number]
  t.match((await knock(port, VALIDATOR)).error, /no application protocol/)
  const strangers = Array.from({ length: 5 }, () => knock(port, { servername: 'other.example', ALPNProtocols: ['acme-tls/1'] }))
  for (let round = 0; round < 2; round++) {
    await site.store.writeOrder({ url: 'https://127.0.0.1/o', finalize: 'https://127.0.0.1/f', key: 'k', challenges: site.challenges })
    t.equal((await knock(port, VALIDATOR)).fingerprint, site.validation.x509.fingerprint256)
    await site.store.removeOrder()
    // Only what this node knows is over: the next order is new to it again.
    await until('it is over', async () => (await knock(port, VALIDATOR)).fingerprint === undefined)
  }
  for (const { error } of await Promise.all(strangers)) t.match(error, /no application protocol/)
})

t.test('a challenge that another node orders before time is answered too', async (t) => {
  const site = await startChallenged(t, { hasChallenges: false })
  const [port] = site.ports as [number]
  await site.store.writeOrder({ url: 'https://127.0.0.1/o', finalize: 'https://127.0.0.1/f', key: 'k', challenges: site.challenges })
  await until('it is answered', async () => (await knock(port, VALIDATOR)).fingerprint === site.validation.x509.fingerprint256)
})

t.test('without a certificate, other handshakes get the alert unrecognized_name', async (t) => {
  const site = await startChallenged(t, { hasCertificate: false })
  const [port] = site.ports as [number]
  t.match(site.app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'acme_failed', message: /there is no certificate yet/ }] })
  t.equal((await knock(port, VALIDATOR)).fingerprint, site.validation.x509.fingerprint256)
  for (const options of [{ servername: 'example.org', ALPNProtocols: ['http/1.1'] }, { servername: '' }, { servername: 'www.example.org', ALPNProtocols: ['acme-tls/1'] }]) {
    t.match((await knock(port, options)).error, /unrecognized name/)
  }
  const socket = connectRaw({ port, host: '127.0.0.1' }).on('error', () => {}).resume()
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await once(socket, 'close')
  await until('all connections have ended', () => site.connections() === 0)
})
