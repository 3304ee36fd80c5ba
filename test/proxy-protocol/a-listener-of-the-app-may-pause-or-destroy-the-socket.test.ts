/** The header and a request arrive in one packet, so the request is already there when the app gets the socket. */
import type { Socket } from 'node:net'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { seenBehind, seenRoute } from '../support/proxied.js'
import { head, Peer } from '../support/peer.js'
import { line } from '../support/proxy-headers.js'

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
