/**
 * Peers flood a session with frames: Node's own limits end it, and other clients do not notice. After its
 * GOAWAY, or while the peer reads no answer, Node reads nothing more: see the other tests in this folder.
 */
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { frame, GOAWAY, number, PING, PREFACE, request, RST_STREAM, SETTINGS } from '../support/raw-http2.js'

/** The error code of Node for a client that resets too many streams (section 7). */
const INTERNAL_ERROR = 2

const CANCEL = number(8)

/** The number of frames in one write. */
const BURST = 1000
/** More than any limit; the session must have ended long before. */
const MOST_BURSTS = 2000
/** Node allows 1,000 resets at once, then 33 per second; resets in bytes that it has already read pass. */
const MOST_REQUESTS = 5000

async function openRaw (port: number, site: Site): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...asClient(site, site.mallory), ALPNProtocols: ['h2'] } as ConnectionOptions)
  await once(socket, 'secureConnect')
  socket.on('error', () => {}).write(PREFACE)
  return socket
}

interface Outcome {
  /** Requests of the flood that came to the app. */
  readonly requests: number
  /** The bytes that the peer received, if it reads. */
  readonly received: Buffer
}

/**
 * Floods until the connection ends, while another client sends a request after each burst.
 * @param burst the frames of the burst of this number
 * @param reads whether the peer reads; otherwise its answers pile up
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
  }, {
    // An idle session ends without an error after this time, which could happen during the flood on a slow machine.
    http2SessionTimeout: reads ? 60_000 : 500
  } as object)
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
  t.equal(served, bursts, 'another client is served all the time')
  return { requests, received: Buffer.concat(received) }
}

/** The error code of the GOAWAY among the frames that a server has sent. */
function goawayOf (bytes: Buffer): number | undefined {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === GOAWAY) return bytes.readUInt32BE(at + 13)
  }
  return undefined
}

t.test('a session that opens streams and resets them at once is closed', async (t) => {
  const { requests, received } = await flood(t, (number) => Buffer.concat(Array.from({ length: BURST }, (_, index) => {
    const stream = (number * BURST + index) * 2 + 1
    return Buffer.concat([request(stream), frame(RST_STREAM, 0, stream, CANCEL)])
  })), true)
  t.equal(goawayOf(received), INTERNAL_ERROR, 'with GOAWAY')
  t.ok(requests > 0 && requests < MOST_REQUESTS, `${requests} requests came to the app`)
})

for (const [name, type, payload] of [['SETTINGS', SETTINGS, undefined], ['PING', PING, Buffer.alloc(8)]] as const) {
  t.test(`a session that sends ${name} and reads no answer is closed`, async (t) => {
    const frames = Buffer.concat(Array.from({ length: BURST }, () => frame(type, 0, 0, payload)))
    await flood(t, () => frames, false)
  })
}
