import { once } from 'node:events'
import { Socket } from 'node:net'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

t.test('Fastify\'s option http reaches the HTTP engine', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { http: { maxHeaderSize: 200 } } as object)
  const peer = await Peer.connect(t, port)
  peer.send(head('/', `x-long: ${'x'.repeat(400)}`))
  t.match(await peer.closed, /^HTTP\/1\.1 431 /)
})

t.test('the socket options in http reach the sockets', async (t) => {
  const { setKeepAlive, setNoDelay } = Socket.prototype
  const asked: string[] = []
  t.intercept(Socket.prototype, 'setKeepAlive', { value (this: Socket, ...args: unknown[]) { asked.push('keepAlive'); return setKeepAlive.apply(this, args as []) } })
  t.intercept(Socket.prototype, 'setNoDelay', { value (this: Socket, ...args: unknown[]) { asked.push('noDelay'); return setNoDelay.apply(this, args as []) } })
  const http = { keepAlive: true, noDelay: false, highWaterMark: 4321 }
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { http } as object)
  const connected = once(app.server, 'connection')
  await Peer.connect(t, port)
  const [socket] = await connected as [Socket]
  t.equal(socket.readableHighWaterMark, 4321)
  t.same(asked, [])
})
