import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { EndpointServer } from '../../lib/index.js'
import { firstFlightOf } from '../support/first-flight.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

const CLIENTS = Number(process.env['STALLED_CLIENTS'] ?? 600)
/** Below the backlog of the endpoint: beyond it the kernel makes clients wait. */
const AT_A_TIME = 40
const HANDSHAKES = 100

for (const { phase, bytesOf } of [
  { phase: 'before they send anything', bytesOf: (hello: Buffer) => hello.subarray(0, 0) },
  { phase: 'in the middle of their hello', bytesOf: (hello: Buffer) => hello.subarray(0, hello.length >> 1) },
  { phase: 'after their hello', bytesOf: (hello: Buffer) => hello }
]) {
  t.test(`good clients are served while many clients stall ${phase}`, async (t) => {
    const site = await makeSite(t)
    const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { maxHandshakes: HANDSHAKES } })
    const server = app.server as unknown as EndpointServer
    const bytes = bytesOf(await firstFlightOf({ servername: 'localhost' }))
    const stalled: Socket[] = []
    t.teardown(() => { for (const socket of stalled) socket.destroy() })
    let most = 0
    for (let wave = 0; wave < CLIENTS / AT_A_TIME; wave++) {
      const sockets = Array.from({ length: AT_A_TIME }, () => connect(port, '127.0.0.1').on('error', () => {}))
      stalled.push(...sockets)
      await Promise.all(sockets.map(async (socket) => {
        await once(socket, 'connect')
        socket.write(bytes)
      }))
      t.equal((await get(port, asClient(site, site.alice))).status, 200)
      most = Math.max(most, server.clientConnections.size)
    }
    t.ok(most <= HANDSHAKES + 1, `${most} connections at the most`)
  })
}
