import { EventEmitter, once } from 'node:events'
import { connect } from 'node:tls'
import t from 'tap'
import { asClient, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

const HANDSHAKES = 200
const AT_THE_SAME_TIME = 20
const SWAP_AFTER = 60

t.test('none of 200 handshakes that race the swap is served after it', async (t) => {
  const site = await makeSite(t)
  const progress = new EventEmitter()
  const enough = once(progress, 'enough')
  let served = 0
  let servedLate = 0
  const { app, port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/', async () => {
      if (++served === SWAP_AFTER) progress.emit('enough')
      if (app.endpoint.listeners[0]?.revocation?.generation !== 1) servedLate++
      return 'secret'
    })
  })
  let started = 0
  async function knock (): Promise<void> {
    while (started < HANDSHAKES) {
      started++
      const socket = connect({ host: '127.0.0.1', port, ...asClient(site, site.mallory) })
      socket.on('error', () => {}).resume()
      socket.once('secureConnect', () => { socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n') })
      await once(socket, 'close').catch(() => {})
    }
  }
  const knocking = Promise.all(Array.from({ length: AT_THE_SAME_TIME }, knock))
  await enough
  await putInForce(app, () => site.revoke('mallory.pem'))
  await knocking
  t.ok(served >= SWAP_AFTER && served < HANDSHAKES, `the swap came after ${served} of ${HANDSHAKES} were served`)
  t.equal(servedLate, 0)
})
