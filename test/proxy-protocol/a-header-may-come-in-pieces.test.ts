import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { seenIn, seenRoute } from '../support/proxied.js'
import { binary, line, sslVector, vector, withChecksum } from '../support/proxy-headers.js'

const HEADERS = [
  line('TCP4 192.0.2.1 198.51.100.7 56324 443'),
  withChecksum(binary({ vectors: [vector(0x02, 'example.org'), vector(0x03, Buffer.alloc(4))] }))
]

/** Writes each piece as its own packet, and gives the server in this process a turn to read it. */
async function writeInPieces (socket: Socket, pieces: readonly Uint8Array[]): Promise<void> {
  socket.setNoDelay(true)
  for (const piece of pieces) {
    await new Promise((resolve) => { socket.write(piece, resolve) })
    await turn()
  }
}

function bytesOf (buffer: Buffer): Buffer[] {
  return Array.from(buffer, (_, at) => buffer.subarray(at, at + 1))
}

t.test('a header is read if it is split in two at any byte, with a request in the second piece', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  for (const header of HEADERS) {
    const all = Buffer.concat([header, Buffer.from(head('/', 'connection: close'))])
    for (let at = 0; at <= header.length + 1; at++) {
      const peer = await Peer.connect(t, port)
      await writeInPieces(peer.socket, [all.subarray(0, at), all.subarray(at)])
      t.equal(seenIn(await peer.closed).ip, '192.0.2.1', `at ${at}`)
    }
  }
})

t.test('a header and a request are read if they arrive byte by byte', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  for (const header of HEADERS) {
    const peer = await Peer.connect(t, port)
    await writeInPieces(peer.socket, bytesOf(Buffer.concat([header, Buffer.from(head('/', 'connection: close'))])))
    t.equal(seenIn(await peer.closed).ip, '192.0.2.1')
  }
})

t.test('no byte of a long body is lost if it starts in the same packet as the header', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => { done(null, body) })
    app.post('/', { bodyLimit: 4_000_000 }, async (request) => (request.body as Buffer).equals(body))
  })
  const body = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, at) => at % 251))
  for (const header of HEADERS) {
    const peer = await Peer.connect(t, port)
    const request = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`
    peer.socket.write(Buffer.concat([header, Buffer.from(request), body]))
    t.match(await peer.closed, /\r\n\r\ntrue$/)
  }
})

t.test('requests that are pipelined after a header are answered in order', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.get('/:number', async (request) => (request.params as { number: string }).number)
  })
  const peer = await Peer.connect(t, port)
  peer.send(`${HEADERS[0]?.toString('latin1')}${head('/1')}${head('/2')}${head('/3', 'connection: close')}`)
  t.strictSame((await peer.closed).match(/\d$|\d(?=HTTP)/g), ['1', '2', '3'])
})

/** A relay that adds a header to the data of a client, and sends everything in pieces of the given size. */
async function startRelay (t: Test, port: number, header: Buffer, size: number): Promise<number> {
  const relay = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    let sent = writeInPieces(server, piecesOf(header, size))
    client.on('data', (data) => { sent = sent.then(() => writeInPieces(server, piecesOf(data, size))) })
    server.pipe(client)
    for (const socket of [client, server]) {
      socket.on('error', () => {})
      socket.on('close', () => { client.destroy(); server.destroy() })
    }
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  t.teardown(() => relay.close())
  return (relay.address() as AddressInfo).port
}

function piecesOf (buffer: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(buffer.length / size) }, (_, at) => buffer.subarray(at * size, (at + 1) * size))
}

t.test('a header before TLS is read if it and the handshake arrive in pieces', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute)
  for (const header of HEADERS) {
    for (const size of [1, 7, header.length, header.length + 3]) {
      const relayed = await startRelay(t, port, header, size)
      const peer = new Peer(t, connectTls({ host: '127.0.0.1', port: relayed, ...asClient(site, site.alice) }))
      await once(peer.socket, 'secureConnect')
      peer.send(head('/', 'connection: close'))
      t.match(seenIn(await peer.closed), { ip: '192.0.2.1', client: 'CN=alice' }, `${size} bytes a piece`)
    }
  }
})

t.test('a header is read if it arrives in one piece with the ClientHello', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute)
  for (const header of HEADERS) {
    const relay = createServer((client) => {
      client.once('data', (hello) => {
        const server = connect(port, '127.0.0.1').on('error', () => {})
        server.write(Buffer.concat([header, hello]))
        client.on('error', () => {}).pipe(server).pipe(client)
      })
    }).listen(0, '127.0.0.1')
    await once(relay, 'listening')
    t.teardown(() => relay.close())
    const peer = new Peer(t, connectTls({ host: '127.0.0.1', port: (relay.address() as AddressInfo).port, ...asClient(site, site.alice) }))
    await once(peer.socket, 'secureConnect')
    peer.send(head('/', 'connection: close'))
    t.match(seenIn(await peer.closed), { ip: '192.0.2.1', client: 'CN=alice' })
  }
})

t.test('the longest header, with a client certificate, is read in pieces of any size', async (t) => {
  const { ca } = await makeSite(t)
  const { der } = await ca.issue({ name: 'behind the proxy', usage: 'client' })
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.get('/', async ({ proxyProtocol, clientCertificate }) => ({ sent: proxyProtocol?.ssl?.clientCertificate?.equals(der), verified: proxyProtocol?.ssl?.verified, clientCertificate }))
  })
  const certificate = sslVector(0x07, 0, vector(0x28, der))
  const checksum = vector(0x03, Buffer.alloc(4))
  const padding = vector(0x04, Buffer.alloc(0xffff - 12 - checksum.length - certificate.length - 3))
  const header = withChecksum(binary({ vectors: [checksum, padding, certificate] }))
  t.equal(header.length, 16 + 0xffff)
  for (const size of [500, 16_383, header.length]) {
    const peer = await Peer.connect(t, port)
    await writeInPieces(peer.socket, piecesOf(Buffer.concat([header, Buffer.from(head('/', 'connection: close'))]), size))
    t.strictSame(seenIn(await peer.closed), { sent: true, verified: true }, `${size} bytes a piece: by the word of the proxy, and no certificate that was judged`)
  }
})
