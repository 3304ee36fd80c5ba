/** A window of 0 keeps every answer in the server; PING and SETTINGS do not make such a client look alive. */
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { asClient, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { frame, INITIAL_WINDOW_SIZE, number, openRaw, ping, request, SETTINGS, setting, WINDOW_UPDATE } from '../support/raw-http2.js'
import { Looks } from '../support/taking.js'

const ANSWER = Buffer.alloc(65_536, 'x')

interface Running extends RunningApp {
  readonly socket: TLSSocket
  requests (): number
}

async function open (t: Test, options: object = {}): Promise<Running> {
  const site = await makeSite(t)
  let requests = 0
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => {
      requests++
      return ANSWER
    })
    app.get('/never', () => new Promise(() => {}))
  }, options)
  const socket = await openRaw(t, port, asClient(site, site.alice))
  return { app, port, socket, requests: () => requests }
}

t.test('a client with a window of 0 is closed after http2SessionTimeout, whatever else it sends', async (t) => {
  const { app, socket } = await open(t)
  socket.write(Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), request(1), request(3)]))
  await ping(socket)
  const looks = new Looks(app)
  for (let seconds = 0; seconds < 72; seconds += 8) {
    socket.write(Buffer.concat([frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, number(1))]))
    await ping(socket)
    t.equal(await looks.after(seconds), 1)
  }
  // The time starts at the first check that finds no progress.
  t.equal(await looks.after(81), 0)
})

t.test('a client that opens its window by a little now and then is served', async (t) => {
  const { app, socket } = await open(t)
  socket.write(Buffer.concat([setting(INITIAL_WINDOW_SIZE, 0), request(1)]))
  await ping(socket)
  const looks = new Looks(app)
  for (let minutes = 0; minutes < 10; minutes++) {
    socket.write(frame(WINDOW_UPDATE, 0, 1, number(1500)))
    await ping(socket)
    t.equal(await looks.after(minutes * 60), 1)
  }
})

t.test('a client that waits for an answer is not closed', async (t) => {
  const { app, socket } = await open(t)
  socket.write(request(1, '/never'))
  await ping(socket)
  const looks = new Looks(app)
  for (let hours = 0; hours < 24; hours++) t.equal(await looks.after(hours * 3600), 1)
})

t.test('a client has at most 100 requests under way', async (t) => {
  const { socket, requests } = await open(t)
  socket.write(setting(INITIAL_WINDOW_SIZE, 0))
  for (let stream = 1; stream < 600; stream += 2) socket.write(request(stream))
  await ping(socket)
  t.equal(requests(), 100)
})

t.test('the app may set other limits in Fastify\'s option http', async (t) => {
  const { socket, requests } = await open(t, { http: { settings: { maxConcurrentStreams: 3 } } })
  socket.write(setting(INITIAL_WINDOW_SIZE, 0))
  for (let stream = 1; stream < 20; stream += 2) socket.write(request(stream))
  await ping(socket)
  t.equal(requests(), 3)
})
