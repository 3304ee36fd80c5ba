import { once } from 'node:events'
import websocket from '@fastify/websocket'
import t from 'tap'
import { WebSocket } from 'ws'
import { asClient, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a swap closes the WebSocket of a revoked client and keeps that of a good client', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint(), async (app) => {
    await app.register(websocket)
    app.register(async (app) => {
      app.get('/echo', { websocket: true }, (socket) => { socket.on('message', (message) => { socket.send(String(message)) }) })
    })
  })
  const open = async (leaf: typeof site.alice): Promise<WebSocket> => {
    const { ca, cert, key } = asClient(site, leaf) as { ca: string, cert: string, key: string }
    const socket = new WebSocket(`wss://localhost:${port}/echo`, { ca, cert, key, family: 4 })
    await once(socket, 'open')
    return socket
  }
  const echo = async (socket: WebSocket, text: string): Promise<string> => {
    socket.send(text)
    return String((await once(socket, 'message'))[0])
  }
  const alice = await open(site.alice)
  const mallory = await open(site.mallory)
  t.equal(await echo(mallory, 'hello'), 'hello')
  mallory.on('error', () => {})
  const cut = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  t.equal((await cut)[0], 1006, 'closed without a WebSocket close frame')
  t.equal(await echo(alice, 'still here'), 'still here')
  alice.terminate()
})
