import { join } from 'node:path'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('over TCP, the app logs http, its address and the port that the system chose', async (t) => {
  const log = new LogCapture()
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1', undefined, { logger: log.logger } as object)
  t.same(app.addresses(), [{ address: '127.0.0.1', family: 'IPv4', port }])
  t.equal(app.listeningOrigin, `http://127.0.0.1:${port}`)
  t.match(log.about('Server listening'), [{ msg: `Server listening at http://127.0.0.1:${port}` }])
  t.equal(log.about('Server listening').length, 1)
})

t.test('with TLS, the app logs https', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger } as object)
  t.equal(app.listeningOrigin, `https://127.0.0.1:${port}`)
  t.match(log.about('Server listening'), [{ msg: `Server listening at https://127.0.0.1:${port}` }])
})

t.test('over a unix socket, the app logs the path', async (t) => {
  const path = join(makeShortFolder(t), 's')
  const log = new LogCapture()
  const { app } = await startApp(t, `unix:${path}`, undefined, { logger: log.logger } as object)
  t.equal(app.listeningOrigin, path)
  t.equal(app.server.address(), path)
  t.same(app.addresses(), [path])
  t.match(log.about('Server listening'), [{ msg: `Server listening at ${path}` }])
})

t.test('the app has no address before and after it listens', async (t) => {
  const { app } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  const [listener] = app.endpoint.listeners
  t.match(listener?.address, { address: '127.0.0.1' })
  await app.close()
  t.equal(listener?.address, undefined)
  t.equal(app.server.address(), null)
})
