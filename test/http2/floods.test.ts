/**
 * Peers that flood a session with frames: Node's own limits end it, and nobody else notices. After its
 * GOAWAY Node reads nothing more, nor while the peer takes no answer; who stays then is out after
 * http2SessionTimeout.
 */
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Types of frames and flags (RFC 9113 section 6). */
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const PING = 6
const GOAWAY = 7
const END = 0x1 | 0x4 // END_STREAM and END_HEADERS

/** What Node says to who resets too many (section 7). */
const INTERNAL_ERROR = 2

/** A frame (RFC 9113 section 4.1). */
function frame (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** GET / of https://localhost (RFC 7541: three names with their values from the static table, and a literal). */
const REQUEST = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, 9]), Buffer.from('localhost')])
const CANCEL = Buffer.from([0, 0, 0, 8])

/** So many frames in one write. */
const BURST = 1000
/** More than any limit; the session must have ended long before. */
const MOST_BURSTS = 2000
/** Node's limit is 1,000 resets at once, and then 33 in a second; what comes after that in the bytes that it has read already is let through. */
const MOST_REQUESTS = 5000

async function openRaw (port: number, site: Site): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...asClient(site, site.mallory), ALPNProtocols: ['h2'] } as ConnectionOptions)
  await once(socket, 'secureConnect')
  socket.on('error', () => {}).write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]))
  return socket
}

interface Outcome {
  /** Requests of the flood that came to the app. */
  readonly requests: number
  /** What the peer got, if it has read. */
  readonly received: Buffer
}

/**
 * Floods until the connection ends, while somebody else asks after each burst.
 * @param burst the frames of the burst of this number
 * @param reads a peer that takes nothing lets the answers pile up
 */
async function flood (t: Test, burst: (number: number) => Buffer, reads: boolean): Promise<Outcome> {
  const site = await makeSite(t)
  let requests = 0
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => {
      requests++
      return 'hello'
    })
    app.get('/good', async () => 'good')
  }, { http2SessionTimeout: 500 } as object)
  const socket = await openRaw(port, site)
  const received: Buffer[] = []
  if (reads) socket.on('data', (bytes) => received.push(bytes))
  const closed = once(socket, 'close').catch(() => {})
  let bursts = 0
  let served = 0
  for (; bursts < MOST_BURSTS && !socket.destroyed; bursts++) {
    const drained = socket.write(burst(bursts)) ? undefined : once(socket, 'drain').catch(() => {})
    if ((await get(port, asClient(site, site.alice), '/good')).body === 'good') served++
    await Promise.race([drained, closed])
  }
  t.ok(socket.destroyed, 'the connection has ended')
  t.equal(served, bursts, 'somebody else is served all the while')
  return { requests, received: Buffer.concat(received) }
}

/** The error code of the GOAWAY among the frames that a server has sent. */
function goawayOf (bytes: Buffer): number | undefined {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === GOAWAY) return bytes.readUInt32BE(at + 13)
  }
  return undefined
}

t.test('a session that opens streams and resets them at once is ended', async (t) => {
  const { requests, received } = await flood(t, (number) => Buffer.concat(Array.from({ length: BURST }, (_, index) => {
    const stream = (number * BURST + index) * 2 + 1
    return Buffer.concat([frame(HEADERS, END, stream, REQUEST), frame(RST_STREAM, 0, stream, CANCEL)])
  })), true)
  t.equal(goawayOf(received), INTERNAL_ERROR, 'with GOAWAY')
  t.ok(requests > 0 && requests < MOST_REQUESTS, `${requests} requests came to the app`)
})

for (const [name, type, payload] of [['SETTINGS', SETTINGS, undefined], ['PING', PING, Buffer.alloc(8)]] as const) {
  t.test(`a session that sends ${name} and takes no answer is ended`, async (t) => {
    const frames = Buffer.concat(Array.from({ length: BURST }, () => frame(type, 0, 0, payload)))
    await flood(t, () => frames, false)
  })
}
