/**
 * After a connection error, Node sends GOAWAY, stops reading, and emits nothing: without our check, neither the end of such a
 * client nor its reset is noticed before http2SessionTimeout.
 */
import { once } from 'node:events'
import t from 'tap'
import { untilConnected } from '../support/closing.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { DATA, END_HEADERS, END_STREAM, frame, HEADERS, number, openRaw, PING, request, RST_STREAM, SETTINGS } from '../support/raw-http2.js'

const ERRORS: Array<[string, Buffer]> = [
  ['a malformed header block', frame(HEADERS, END_STREAM | END_HEADERS, 1, Buffer.alloc(5, 0xff))],
  ['DATA on stream 0', frame(DATA, 0, 0, Buffer.from('x'))],
  ['DATA on stream 0 while a request is under way', Buffer.concat([request(1, '/never'), frame(DATA, 0, 0, Buffer.from('x'))])],
  ['a frame that is too long', frame(DATA, 0, 1, Buffer.alloc(20), 70_000)],
  ['a PING of another length', frame(PING, 0, 0, Buffer.alloc(7))],
  ['too many SETTINGS', frame(SETTINGS, 0, 0, Buffer.alloc(600))],
  ['a rapid reset', Buffer.concat(Array.from({ length: 2000 }, (_, index) => Buffer.concat([request(index * 2 + 1), frame(RST_STREAM, 0, index * 2 + 1, number(8))])))]
]

t.test('a client that breaks the protocol soon stops counting as a connection, even if it stays', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, (app) => {
    app.get('/', async () => 'hello')
    app.get('/never', () => new Promise(() => {}))
  })
  for (const [what, bytes] of ERRORS) {
    for (const leave of ['stays', 'ends'] as const) {
      const socket = await openRaw(t, port, asClient(site, site.alice))
      await once(socket, 'data')
      socket.write(bytes)
      if (leave === 'ends') socket.end()
      // The limit is far below http2SessionTimeout (72 seconds), at which the test would time out.
      await untilConnected(app, 0)
      t.pass(`${what}; the client ${leave}`)
      socket.destroy()
    }
  }
})
