import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('neither a running request nor a pipelined one is answered when the client is revoked', async (t) => {
  const site = await makeSite(t)
  const handler = new EventEmitter()
  const started = once(handler, 'started')
  const { app, port } = await startApp(t, site.endpoint(), (app) => {
    app.get('/slow', async () => {
      const released = once(handler, 'release')
      handler.emit('started')
      await released
      return 'first secret'
    })
    app.get('/fast', async () => 'second secret')
  })
  const mallory = await connectTls(port, asClient(site, site.mallory))
  let received = ''
  mallory.on('data', (chunk) => { received += chunk }).on('error', () => {})
  const closed = once(mallory, 'close')
  mallory.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\nGET /fast HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await started
  await putInForce(app, () => site.revoke('mallory.pem'))
  handler.emit('release')
  await closed
  t.equal(received, '')
})
