import { once } from 'node:events'
import t from 'tap'
import type { FastifyInstance } from 'fastify'
import { untilDeaf } from '../support/closing.js'
import { asClient, connectTls, makeSite, startApp } from '../support/mutual-tls.js'
import { Peer, head } from '../support/peer.js'

/** More than all buffers between the two ends can hold. */
const SIZE = 32 * 1024 * 1024

function routes (app: FastifyInstance): void {
  app.get('/large', async () => Buffer.alloc(SIZE, 'x'))
  app.post('/echo', async (request) => request.body)
}

t.test('close() lets requests under way finish, and sends connection: close where it still can', async (t) => {
  const site = await makeSite(t)
  for (const endpoint of ['tcp:0:interface=127.0.0.1', site.endpoint()]) {
    let answer = (): void => {}
    const { app, port } = await startApp(t, endpoint, (app) => {
      app.get('/slow', (_request, reply) => { answer = () => { reply.send({ slow: true }) } })
      routes(app)
    }, { forceCloseConnections: 'idle' })
    const connect = async (): Promise<Peer> => endpoint.startsWith('tcp')
      ? await Peer.connect(t, port)
      : new Peer(t, await connectTls(port, asClient(site, site.alice)))
    const [slow, uploading, reading] = await Promise.all([connect(), connect(), connect()])

    const asked = once(app.server, 'request')
    slow.send(head('/slow'))
    await asked
    const uploaded = once(app.server, 'request')
    uploading.send('POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf ')
    await uploaded
    reading.send(head('/large'))
    await reading.until('\r\n\r\n')
    reading.socket.pause()

    const closed = app.close()
    await untilDeaf(app)
    t.notOk(app.server.listening)
    await t.rejects(connect(), 'no other client can connect')
    answer()
    uploading.send('whole')
    reading.socket.resume()
    const [slowly, echoed, all] = await Promise.all([slow.closed, uploading.closed, reading.closed])
    t.match(slowly, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*\{"slow":true\}$/)
    t.match(echoed, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*half whole$/)
    t.equal(all.length, all.indexOf('\r\n\r\n') + 4 + SIZE, 'up to the last byte')
    await closed
  }
})
