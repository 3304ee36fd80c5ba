import { once } from 'node:events'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { closesAtOnce, untilDeaf } from '../support/closing.js'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

const UPGRADE = ['connection: upgrade', 'upgrade: echo']

/** A route that never answers, and an upgrade to a protocol that echoes. */
function routes (app: FastifyInstance): void {
  app.get('/never', () => new Promise(() => {}))
  app.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    socket.on('error', () => {}).pipe(socket)
  })
}

t.test('with forceCloseConnections: true, close() waits for no connection', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of ['tcp:0:interface=127.0.0.1', site.endpoint()]) {
    const { app, port } = await startApp(t, endpoint, routes, { forceCloseConnections: true })
    const connect = async (): Promise<Peer> => endpoint.startsWith('tcp')
      ? await Peer.connect(t, port)
      : new Peer(t, await connectTls(port, asClient(site, site.alice)))
    const [waiting, upgraded] = await Promise.all([connect(), connect()])
    const asked = once(app.server, 'request')
    waiting.send(head('/never'))
    await asked
    upgraded.send(head('/', ...UPGRADE))
    await upgraded.until('101')
    upgraded.send('hello')
    await upgraded.until('hello')
    await closesAtOnce(t, app)
    t.equal(await waiting.closed, '')
    await upgraded.closed
  }
})

t.test('without forceCloseConnections, the app itself must end an upgraded connection', async (t) => {
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1', routes, { forceCloseConnections: 'idle' })
  const upgraded = await Peer.connect(t, port)
  upgraded.send(head('/', ...UPGRADE))
  await upgraded.until('101')
  const closing = app.close()
  await untilDeaf(app)
  upgraded.send('still here')
  await upgraded.until('still here')
  upgraded.socket.end()
  await closing
})
