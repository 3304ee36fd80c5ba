/**
 * Hellos with post-quantum key shares are long. A hello for a challenge may have 64 kB, in any segments and records. A longer one goes to
 * the ordinary context, and a slow one ends with handshakeTimeout.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { startChallenged } from '../support/challenged.js'

function vector (bytes: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length.subarray(4 - bytes), body])
}

const extension = (type: number, ...parts: Uint8Array[]): Buffer => Buffer.concat([Buffer.of(type >> 8, type & 0xff), vector(2, ...parts)])

/** A hello of TLS 1.2, whose answer shows the certificate in the clear, in records of `size` bytes. */
function helloOf (length: number, protocol: string, size = 16_384): Buffer {
  const start = Buffer.concat([Buffer.of(3, 3), randomBytes(32), vector(1), vector(2, Buffer.of(0xc0, 0x2b)), vector(1, Buffer.of(0))])
  const extensions = Buffer.concat([
    extension(0, vector(2, Buffer.of(0), vector(2, Buffer.from('example.org')))),
    extension(10, vector(2, Buffer.of(0, 29, 0, 23))),
    extension(11, vector(1, Buffer.of(0))),
    extension(13, vector(2, Buffer.of(4, 3, 8, 4))),
    extension(16, vector(2, vector(1, Buffer.from(protocol))))
  ])
  // RFC 7685. The largest of its kind, and another one that nobody knows.
  const padding = length - 4 - start.length - 2 - extensions.length - 4
  const message = Buffer.concat([Buffer.of(1), vector(3, start, vector(2, extensions, extension(21, Buffer.alloc(padding))))])
  const records: Buffer[] = []
  for (let place = 0; place < message.length; place += size) records.push(Buffer.of(22, 3, 1), vector(2, message.subarray(place, place + size)))
  return Buffer.concat(records)
}

/** What the server sends in answer, until it closes or has sent a certificate or an alert. */
async function answerTo (port: number, hello: Buffer, piece: number): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).on('error', () => {})
  await once(socket, 'connect')
  let received = Buffer.alloc(0)
  const done = new Promise<void>((resolve) => {
    // ServerHelloDone, or an alert.
    socket.on('data', (data) => {
      received = Buffer.concat([received, data])
      if (received.includes(Buffer.of(14, 0, 0, 0)) || received[0] === 21) resolve()
    })
    socket.on('close', () => { resolve() })
  })
  for (let place = 0; place < hello.length; place += piece) {
    socket.write(hello.subarray(place, place + piece))
    await new Promise(setImmediate)
  }
  await done
  socket.destroy()
  return received
}

t.test('a hello of 64 kB gets the certificate of the challenge, however it arrives', async (t) => {
  const site = await startChallenged(t, { more: ':handshakeTimeout=60' })
  const [port] = site.ports as [number]
  for (const [length, size, piece] of [[2000, 16_384, 100_000], [2000, 100, 300], [20_000, 16_384, 1000], [65_000, 16_384, 1400], [65_000, 300, 1400]] as const) {
    const what = `${length} bytes in records of ${size} and segments of ${piece}`
    t.ok((await answerTo(port, helloOf(length, 'acme-tls/1', size), piece)).includes(site.validation.x509.raw), what)
    const ordinary = await answerTo(port, helloOf(length, 'http/1.1', size), piece)
    t.ok(ordinary.length > 500 && !ordinary.includes(site.validation.x509.raw), `an ordinary client, ${what}`)
  }
})

t.test('a longer hello, or one in very small records, is left to OpenSSL', async (t) => {
  const site = await startChallenged(t, { more: ':handshakeTimeout=60' })
  const [port] = site.ports as [number]
  for (const hello of [helloOf(65_600, 'acme-tls/1'), helloOf(10_000, 'acme-tls/1', 20)]) {
    const answer = await answerTo(port, hello, 1400)
    t.notOk(answer.includes(site.validation.x509.raw))
    t.equal(answer[0], 21, 'an alert')
  }
})

t.test('a hello that does not end is given up after handshakeTimeout', async (t) => {
  const site = await startChallenged(t, { more: ':handshakeTimeout=1' })
  const [port] = site.ports as [number]
  const hello = helloOf(60_000, 'acme-tls/1')
  const before = performance.now()
  t.equal((await answerTo(port, hello.subarray(0, -1), 1400)).length, 0)
  t.ok(performance.now() - before > 900)
})
