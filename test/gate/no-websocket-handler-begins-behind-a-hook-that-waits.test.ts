/** @fastify/websocket replaces the handler of a route with its own, in a hook that may run before or after ours. */
import { once } from 'node:events'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type RouteShorthandOptions } from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import endpoint, { serverFactory } from '../../lib/index.js'
import { HeldHook } from '../support/held-hook.js'
import { makeSite, putInForce } from '../support/mutual-tls.js'

for (const order of ['before', 'behind']) {
  for (const form of ['websocket', 'wsHandler']) {
    t.test(`no WebSocket handler starts for a client that is revoked while a hook waits: ${form}, @fastify/websocket registered ${order} the plugin`, async (t) => {
      const site = await makeSite(t)
      const app = Fastify({ serverFactory, forceCloseConnections: true }) as unknown as FastifyInstance
      t.teardown(() => app.close())
      const held = new HeldHook()
      let begun = 0
      const greet = (socket: WebSocket): void => {
        begun++
        socket.send('hello')
      }
      if (order === 'before') await app.register(websocket)
      await app.register(endpoint, { endpoint: site.endpoint() })
      if (order === 'behind') await app.register(websocket)
      held.watch(app)
      const options: RouteShorthandOptions = { preHandler: held.wait }
      if (form === 'websocket') app.get('/', { ...options, websocket: true }, greet as never)
      else app.route({ ...options, method: 'GET', url: '/', handler: async () => 'no WebSocket', wsHandler: greet as never })
      await app.listen()
      const { port } = app.server.address() as { port: number }
      const open = (client: typeof site.alice): WebSocket => {
        const socket = new WebSocket(`wss://localhost:${port}/`, { ca: site.ca.certificate, cert: client.chain, key: client.key, family: 4 })
        t.teardown(() => { socket.terminate() })
        return socket
      }
      const mallory = open(site.mallory).on('error', () => {})
      const closed = new Promise((resolve) => { mallory.once('close', resolve) })
      await held.reached
      await putInForce(app, () => site.revoke('mallory.pem'))
      await closed
      held.release()
      t.match(await held.answered, /^403 .*FST_ENDPOINT_CLIENT_REFUSED/)
      t.equal(begun, 0)
      t.equal(String((await once(open(site.alice), 'message'))[0]), 'hello')
    })
  }
}
