/** Small requests on other streams hide none whose answer the client gives no room: it would keep the memory for ever. */
import { setImmediate as turn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { asClient, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { INITIAL_WINDOW_SIZE, frame, number, openRaw, ping, request, setting, WINDOW_UPDATE } from '../support/raw-http2.js'
import { Looks } from '../support/taking.js'

/** As many as wait in the server, of the 100 that a client may have. */
const STREAMS = 90
const SIZE = 90_000

interface Running extends RunningApp {
  readonly socket: TLSSocket
  /** Responses that are under way. */
  waiting (): number
}

async function open (t: Test): Promise<Running> {
  const site = await makeSite(t)
  let waiting = 0
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.addHook('onRequest', async (request, reply) => {
      if (request.url === '/small') return
      waiting++
      reply.raw.once('close', () => { waiting-- })
    })
    app.get('/', async () => Buffer.alloc(SIZE, 'x'))
    app.get('/streamed', async (_request, reply) => {
      const stream = new PassThrough()
      for (let pieces = 0; pieces < 9; pieces++) stream.write(Buffer.alloc(SIZE / 9, 'x'))
      stream.end()
      return reply.send(stream)
    })
    // More than a request, so that something moves.
    app.get('/small', async () => 'x'.repeat(500))
  })
  const socket = await openRaw(t, port, asClient(site, site.alice))
  return { app, port, socket, waiting: () => waiting }
}

function requests (path = '/'): Buffer {
  return Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), ...Array.from({ length: STREAMS }, (_, index) => request(index * 2 + 1, path))])
}

/** Has an answer, and room for it. */
function small (stream: number): Buffer {
  return Buffer.concat([request(stream, '/small'), frame(WINDOW_UPDATE, 0, stream, number(1000))])
}

for (const path of ['/', '/streamed']) {
  t.test(`streams that wait for http2SessionTimeout are reset, the session goes on: ${path}`, async (t) => {
    const { app, socket, waiting } = await open(t)
    socket.write(requests(path))
    await ping(socket)
    const looks = new Looks(app)
    let stream = 2 * STREAMS + 1
    for (let seconds = 0; seconds < 72; seconds += 4) {
      socket.write(small(stream))
      stream += 2
      await ping(socket)
      t.equal(await looks.after(seconds), 1)
      t.equal(waiting(), STREAMS)
    }
    socket.write(small(stream))
    await ping(socket)
    t.equal(await looks.after(73), 1)
    for (let turns = 0; waiting() > 0 && turns < 1000; turns++) await turn()
    t.equal(waiting(), 0)
    await ping(socket)
    t.equal(await looks.after(74), 1)
  })
}

t.test('where memory is short, such a client is ended', async (t) => {
  const { app, socket } = await open(t)
  socket.write(requests())
  await ping(socket)
  const looks = new Looks(app)
  let stream = 2 * STREAMS + 1
  for (let seconds = 0; seconds < 12; seconds += 3) {
    socket.write(small(stream))
    stream += 2
    await ping(socket)
    t.equal(await looks.after(seconds, STREAMS * SIZE), 1)
  }
  socket.write(small(stream))
  await ping(socket)
  t.equal(await looks.after(12, STREAMS * SIZE), 0)
})

t.test('many slow downloads at once are served, beside small requests', async (t) => {
  const { app, socket, waiting } = await open(t)
  socket.write(requests())
  await ping(socket)
  const looks = new Looks(app)
  let stream = 2 * STREAMS + 1
  for (let seconds = 0; seconds < 600; seconds += 10) {
    socket.write(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, number(STREAMS * 300)), ...Array.from({ length: STREAMS }, (_, index) => frame(WINDOW_UPDATE, 0, index * 2 + 1, number(300)))]))
    socket.write(small(stream))
    stream += 2
    await ping(socket)
    t.equal(await looks.after(seconds), 1)
    t.equal(waiting(), STREAMS)
  }
})
