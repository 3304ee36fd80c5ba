import { once } from 'node:events'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import { closesAtOnce } from '../support/closing.js'
import { makeSite, startApp } from '../support/mutual-tls.js'

async function routes (app: FastifyInstance): Promise<void> {
  await app.register(websocket)
  app.register(async (app) => {
    app.get('/who', { websocket: true }, (socket, request) => { socket.send(request.clientCertificate?.subject ?? 'anonymous') })
    app.get('/mine', { websocket: true, config: { endpoint: { clientCertificate: 'required' } } }, (socket) => { socket.send('yours') })
  })
}

t.test('@fastify/websocket serves, knows the client, and closes with the app', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:verify=optional`, routes, { forceCloseConnections: 'idle' })
  const open = (path: string, client?: typeof site.alice): WebSocket => {
    const socket = new WebSocket(`wss://localhost:${port}${path}`, { ca: site.ca.certificate, family: 4, ...(client !== undefined && { cert: client.chain, key: client.key }) })
    t.teardown(() => { socket.terminate() })
    return socket
  }
  const alice = open('/who', site.alice)
  t.equal(String((await once(alice, 'message'))[0]), 'CN=alice')
  t.equal(String((await once(open('/who'), 'message'))[0]), 'anonymous')
  t.equal(String((await once(open('/mine', site.alice), 'message'))[0]), 'yours')
  const [error] = await once(open('/mine'), 'error') as [Error]
  t.match(error, { message: /403/ })
  const gone = once(alice, 'close')
  await closesAtOnce(t, app)
  await gone
})

t.test('@fastify/websocket works over tcp too', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1', routes)
  const socket = new WebSocket(`ws://127.0.0.1:${port}/who`)
  t.equal(String((await once(socket, 'message'))[0]), 'anonymous')
  socket.terminate()
})
