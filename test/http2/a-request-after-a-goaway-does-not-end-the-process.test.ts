/** Node 22 aborts the process if a session is destroyed while it is read, and a request with a body follows. */
import t from 'tap'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { DATA, END_STREAM, frame, GOAWAY, openRaw, POST, request } from '../support/raw-http2.js'

const PROTOCOL_ERROR = 1

t.test('a client that sends GOAWAY with an error, and then requests, ends only its own connection', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`)
  const goaway = Buffer.alloc(8)
  goaway.writeUInt32BE(PROTOCOL_ERROR, 4)
  const socket = await openRaw(t, port, asClient(site, site.alice))
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve))
  socket.resume().write(Buffer.concat([frame(GOAWAY, 0, 0, goaway), request(3, '/', POST), frame(DATA, 0, 3, Buffer.alloc(100)), frame(DATA, END_STREAM, 3, Buffer.alloc(100))]))
  await ended
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('an app that destroys a session in a handler ends only that connection', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => 'hello')
    app.post('/', async (request) => { (request.raw as unknown as { stream: { session?: { destroy (): void } } }).stream.session?.destroy() })
  })
  const socket = await openRaw(t, port, asClient(site, site.alice))
  const ended = new Promise((resolve) => socket.once('end', resolve).once('close', resolve))
  socket.resume().write(Buffer.concat([1, 3].flatMap((stream) => [request(stream, '/', POST), frame(DATA, END_STREAM, stream, Buffer.alloc(100))])))
  await ended
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})
