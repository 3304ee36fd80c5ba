/** Whatever a client sends first, reading the name ends, and waits for a limited number of bytes. */
import fc from 'fast-check'
import t from 'tap'
import { readHello } from '../../lib/tls/client-hello.js'
import { firstFlightOf } from '../support/first-flight.js'

/** The hello that Node sends for a name. */
function helloFor (servername: string): Promise<Buffer> {
  return firstFlightOf({ servername, ALPNProtocols: ['h2', 'http/1.1'] })
}

const HELLO = await helloFor('www.example.org')
/** The limit for the message of a hello, and for the records that contain it. */
const BOUND = 64 * 1024 + 5

function hold (bytes: Buffer): void {
  const before = Buffer.from(bytes)
  const reading = readHello(bytes)
  if (!before.equals(bytes)) throw new Error('the bytes were changed')
  if (reading.state === 'partial' && (reading.length <= bytes.length || reading.length > BOUND)) throw new Error(`it waits for ${reading.length} bytes after ${bytes.length}`)
  // The bytes that follow do not change the result.
  const more = readHello(Buffer.concat([bytes, Buffer.of(22)]))
  if (reading.state !== 'partial' && JSON.stringify(more) !== JSON.stringify(reading)) throw new Error('more bytes changed it')
}

t.test('a hello is read as a whole or in pieces', async (t) => {
  t.same(readHello(HELLO), { state: 'complete', serverName: 'www.example.org', protocols: ['h2', 'http/1.1'] })
  t.same(readHello(await helloFor('')), { state: 'complete', serverName: '', protocols: ['h2', 'http/1.1'] })
  for (let length = 0; length < HELLO.length; length++) t.equal(readHello(HELLO.subarray(0, length)).state, 'partial')
})

t.test('data that is not a hello, or a truncated hello, is left to OpenSSL', async (t) => {
  for (const [what, bytes] of Object.entries({
    'another protocol': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    'another kind of record': Buffer.of(21, 3, 1, 0, 2, 2, 40),
    'another message': Buffer.of(22, 3, 1, 0, 4, 2, 0, 0, 0),
    'a hello without its parts': Buffer.of(22, 3, 1, 0, 6, 1, 0, 0, 2, 3, 3),
    'a hello that is too long': Buffer.of(22, 3, 1, 0, 4, 1, 1, 0, 0),
    'many records': Buffer.concat(Array.from({ length: 256 }, () => Buffer.of(22, 3, 1, 0, 1, 1))),
    'many empty records': Buffer.concat(Array.from({ length: 256 }, () => Buffer.of(22, 3, 1, 0, 0))),
    'records that are too long together': Buffer.concat([...Array.from({ length: 2 }, () => Buffer.concat([Buffer.of(22, 3, 1, 0x7d, 0), Buffer.alloc(0x7d00, 1)])), Buffer.of(22, 3, 1, 0x7d, 0)])
  })) t.same(readHello(bytes), { state: 'unknown' }, what)
  const cut = Buffer.from(HELLO)
  // The length of the name, which then goes beyond the list.
  cut.writeUInt16BE(200, cut.indexOf('www.example.org') - 2)
  t.same(readHello(cut), { state: 'unknown' })
})

t.test('a hello older than TLS 1.2 may have no extensions, and a list of names may have no host name', async (t) => {
  const parts = Buffer.concat([Buffer.of(3, 1), Buffer.alloc(32), Buffer.of(0), Buffer.of(0, 2, 0, 47), Buffer.of(1, 0)])
  const hello = (...extensions: number[]): Buffer => {
    const body = Buffer.concat([parts, Buffer.from(extensions)])
    return Buffer.concat([Buffer.of(22, 3, 1, 0, body.length + 4, 1, 0, 0, body.length), body])
  }
  t.same(readHello(hello()), { state: 'complete', serverName: '', protocols: [] })
  t.same(readHello(hello(0, 9, 0, 0, 0, 5, 0, 3, 1, 0, 0)), { state: 'complete', serverName: '', protocols: [] })
  t.match(readHello(hello(0, 10, 0, 0, 0, 6, 0, 4, 0, 0, 1, 97)), { state: 'complete', serverName: 'a' })
  t.same(readHello(hello(0, 14, 0, 0, 0, 10, 0, 8, 0, 0, 1, 97, 0, 0, 1, 98)), { state: 'unknown' }, 'two names are not read')
})

t.test('reading any bytes never throws', async (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => { hold(Buffer.from(bytes)) }), { numRuns: 2000 })
  t.pass('nothing is thrown')
})

t.test('reading a hello with some bytes changed never throws', async (t) => {
  const changes = fc.array(fc.tuple(fc.nat(HELLO.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  fc.assert(fc.property(changes, fc.nat(HELLO.length), (changes, length) => {
    const bytes = Buffer.from(HELLO)
    for (const [place, value] of changes) bytes[place] = value
    hold(bytes)
    hold(bytes.subarray(0, length))
  }), { numRuns: 3000 })
  t.pass('nothing is thrown')
})
