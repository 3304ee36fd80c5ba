/** The header and a request, or its begin, arrive in one packet. So they are already there when the app gets the socket. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { receiveHeader } from '../../lib/proxy-protocol/receive.js'
import { startApp } from '../support/mutual-tls.js'
import { seenBehind, seenRoute } from '../support/proxied.js'
import { head, Peer } from '../support/peer.js'
import { line } from '../support/proxy-headers.js'
import { PATIENCE } from '../support/until.js'

const HEADER = line('TCP4 192.0.2.1 198.51.100.7 56324 443')

t.test('a request waits in a socket that a listener of the app has paused', async (t) => {
  let wasRead = false
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.addHook('onRequest', async () => { wasRead = true })
    seenRoute(app)
  })
  app.server.on('connection', (socket: Socket) => {
    socket.pause()
    setImmediate(() => {
      t.notOk(wasRead)
      socket.resume()
    })
  })
  t.equal((await seenBehind(t, port, HEADER)).ip, '192.0.2.1')
})

t.test('later bytes do not overtake those that wait', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.addContentTypeParser('*', { parseAs: 'string' }, async (_request: unknown, body: string) => body)
    app.post('/', async ({ body }) => body)
  })
  let resume = (): void => {}
  app.server.on('connection', (socket: Socket) => {
    socket.pause()
    resume = () => { socket.resume() }
  })
  const peer = await Peer.connect(t, port)
  peer.socket.setNoDelay(true)
  const body = head('/evil')
  const request = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
  const connected = once(app.server, 'connection')
  peer.send(HEADER.toString('latin1') + request)
  await connected
  await new Promise<unknown>((resolve) => { peer.socket.write(body, resolve) })
  // The server has these bytes now: it would read them in the next turn if it read at all.
  for (let turns = 0; turns < 10; turns++) await turn()
  resume()
  const answer = await peer.closed
  t.match(answer, /^HTTP\/1\.1 200 /)
  t.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), body)
})

t.test('a listener of the app that throws takes no byte from the request', async (t) => {
  const raw = new Duplex({ read () {} })
  const error = new Error('of the app')
  let received = ''
  receiveHeader(raw as Socket, { timeout: PATIENCE, flows: true }, {
    received () {
      raw.on('data', (chunk) => { received += String(chunk) })
      throw error
    },
    refused: () => t.fail('it is a good header'),
    closed: () => t.fail('it is open')
  })
  await turn()
  t.throws(() => raw.push(Buffer.concat([HEADER, Buffer.from('the rest')])), error)
  t.equal(received, 'the rest')
  raw.destroy()
})

t.test('a request is dropped with the socket that a listener of the app has destroyed', async (t) => {
  const { app, port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', (app) => {
    app.get('/', async () => t.fail('nobody is served'))
  })
  app.server.on('connection', (socket: Socket) => { socket.destroy() })
  const peer = await Peer.connect(t, port)
  peer.socket.on('error', () => {})
  peer.send(HEADER.toString('latin1') + head())
  t.equal(await peer.closed, '')
})
