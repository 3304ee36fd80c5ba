/** Small requests on other streams do not hide a blocked stream, whose answer would keep its memory for ever. */
import { setImmediate as turn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { PassThrough, Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { asClient, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { DATA, HEAD, INITIAL_WINDOW_SIZE, PING, POST, frame, number, openRaw, ping, request, setting, WINDOW_UPDATE } from '../support/raw-http2.js'
import { Looks } from '../support/taking.js'

/** The number of streams that wait in the server, of the 100 that a client may have. */
const STREAMS = 90
const SIZE = 90_000
/** More than a stream buffers, so that each piece waits for the window like the previous piece. */
const PIECE = 70_000

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
      if (!['/', '/streamed', '/file'].includes(request.url) || request.method === 'HEAD') return
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
    app.get('/file', async (_request, reply) => reply.send(Readable.from(Array.from({ length: 9 }, () => Buffer.alloc(PIECE, 'x')), { objectMode: false })))
    // More than one request, so that there is progress.
    app.get('/small', async () => 'x'.repeat(500))
    app.get('/unchanged', (_request, reply) => reply.code(304).send())
    app.get('/nothing', (_request, reply) => reply.code(204).send())
    app.post('/upload', (request) => {
      request.raw.resume()
      return new Promise(() => {})
    })
  })
  const socket = await openRaw(t, port, asClient(site, site.alice))
  return { app, port, socket, waiting: () => waiting }
}

function requests (path = '/'): Buffer {
  return Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), ...Array.from({ length: STREAMS }, (_, index) => request(index * 2 + 1, path))])
}

/** A request whose answer fits into the window. */
function small (stream: number): Buffer {
  return Buffer.concat([request(stream, '/small'), frame(WINDOW_UPDATE, 0, stream, number(1000))])
}

for (const path of ['/', '/streamed']) {
  t.test(`streams that wait for http2SessionTimeout are reset, and the session continues: ${path}`, async (t) => {
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

t.test('a client with waiting streams is closed if memory is short', async (t) => {
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

/** As much as an upload in a second; nghttp2 queues no more than 1000 answers. */
async function manyPings (socket: TLSSocket): Promise<void> {
  const pings = Buffer.concat(Array.from({ length: 800 }, () => frame(PING, 0, 0, Buffer.alloc(8))))
  for (let batch = 0; batch < 5; batch++) {
    socket.write(pings)
    await ping(socket)
  }
}

t.test('a client with waiting streams is closed if memory is short, however many PINGs it sends', async (t) => {
  const { app, socket } = await open(t)
  socket.write(requests())
  const looks = new Looks(app)
  for (let seconds = 0; seconds < 12; seconds += 3) {
    await manyPings(socket)
    t.equal(await looks.after(seconds, STREAMS * SIZE), 1)
  }
  await manyPings(socket)
  t.equal(await looks.after(12, STREAMS * SIZE), 0)
})

t.test('waiting streams are reset after http2SessionTimeout, however many PINGs the client sends', async (t) => {
  const { app, socket, waiting } = await open(t)
  socket.write(requests())
  const looks = new Looks(app)
  for (const seconds of [0, 35, 70]) {
    await manyPings(socket)
    t.equal(await looks.after(seconds), 1)
    t.equal(waiting(), STREAMS)
  }
  await manyPings(socket)
  t.equal(await looks.after(73), 1)
  for (let turns = 0; waiting() > 0 && turns < 1000; turns++) await turn()
  t.equal(waiting(), 0)
})

t.test('a client that reads only a few of the answers is closed if memory is short', async (t) => {
  const { app, socket, waiting } = await open(t)
  socket.write(requests())
  await ping(socket)
  const looks = new Looks(app)
  t.equal(await looks.after(0, STREAMS * SIZE), 1)
  // Beyond the answers themselves, as nghttp2 ends no stream whose window is used up.
  socket.write(Buffer.concat([0, 0, 1, 3].map((stream) => frame(WINDOW_UPDATE, 0, stream, number(SIZE + 1000)))))
  await ping(socket)
  for (let turns = 0; waiting() > STREAMS - 2 && turns < 1000; turns++) await turn()
  t.equal(waiting(), STREAMS - 2)
  t.equal(await looks.after(9, STREAMS * SIZE), 1)
  socket.write(small(2 * STREAMS + 1))
  await ping(socket)
  t.equal(await looks.after(11, 8 * STREAMS * SIZE), 1, 'an eighth of the memory is enough for all')
  t.equal(await looks.after(11, STREAMS * SIZE), 0)
})

t.test('a download that takes longer than http2SessionTimeout is served during a faster upload', async (t) => {
  const { app, socket, waiting } = await open(t)
  socket.write(Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), request(1, '/file'), request(3, '/upload', POST)]))
  await ping(socket)
  const looks = new Looks(app)
  for (let piece = 0; piece < 8; piece++) {
    t.equal(await looks.after(piece * 20), 1)
    t.equal(waiting(), 1)
    socket.write(Buffer.concat([0, 1].map((stream) => frame(WINDOW_UPDATE, 0, stream, number(PIECE)))))
    for (let batch = 0; batch < 2; batch++) {
      for (let frames = 0; frames < 4; frames++) socket.write(frame(DATA, 0, 3, Buffer.alloc(12_000)))
      await ping(socket)
    }
  }
})

for (const [name, path, method] of [['304', '/unchanged'], ['204', '/nothing'], ['HEAD', '/', HEAD]] as const) {
  t.test(`a slow download is served during many answers without a body: ${name}`, async (t) => {
    const { app, socket, waiting } = await open(t)
    socket.write(Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), request(1)]))
    await ping(socket)
    const looks = new Looks(app)
    let stream = 3
    for (let seconds = 0; seconds < 180; seconds += 10) {
      for (let polls = 0; polls < 3; polls++, stream += 2) socket.write(request(stream, path, method))
      socket.write(Buffer.concat([0, 1].map((stream) => frame(WINDOW_UPDATE, 0, stream, number(3000)))))
      await ping(socket)
      t.equal(await looks.after(seconds), 1)
      t.equal(waiting(), 1)
    }
  })
}

t.test('many slow downloads and small requests are served at the same time', async (t) => {
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
