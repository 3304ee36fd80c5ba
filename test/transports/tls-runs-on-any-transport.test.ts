import { once } from 'node:events'
import { existsSync, lstatSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { withoutLoopback6 } from '../support/loopback.js'
import { asClient, get, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

t.test('an endpoint with TLS on a unix socket identifies its clients, and cuts a client that is revoked', async (t) => {
  const site = await makeSite(t)
  const path = join(makeShortFolder(t), 's')
  const log = new LogCapture()
  const { app } = await startApp(t, site.over(`unix:${path}:mode=600`), undefined, { logger: log.logger } as object)
  const over = { socketPath: path }
  t.equal((await get(0, { ...asClient(site, site.alice), ...over })).body, '{"hello":"CN=alice"}')
  await t.rejects(get(0, { ...asClient(site), ...over }), 'no client without a certificate')
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(app.endpoint.listeners[0]?.address, path)
  t.match(log.about('Server listening'), [{ msg: `Server listening at ${path}` }])

  const held = request({ path: '/', agent: false, ...asClient(site, site.mallory), ...over, headers: { connection: 'keep-alive' } })
  held.end()
  const [response] = await once(held, 'response')
  response.resume()
  const cut = once(response.socket, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await cut
  await t.rejects(get(0, { ...asClient(site, site.mallory), ...over }))

  await app.close()
  t.notOk(existsSync(path), 'the socket')
  t.notOk(lstatSync(`${path}.lock`, { throwIfNoEntry: false }), 'the lock')
})

t.test('a client without TLS gets no answer from an endpoint with TLS on a unix socket', async (t) => {
  const site = await makeSite(t)
  const path = join(makeShortFolder(t), 's')
  await startApp(t, site.over(`unix:${path}`))
  const socket = connect(path)
  let received = ''
  socket.setEncoding('latin1').on('data', (text: string) => { received += text })
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'close')
  t.notMatch(received, 'HTTP')
})

t.test('a TLS endpoint on tcp6 listens on the address of its transport', { skip: withoutLoopback6 }, async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.over('tcp6:0:interface=\\:\\:1'))
  t.equal(app.listeningOrigin, `https://[::1]:${port}`)
  t.equal((await get(port, { ...asClient(site, site.alice), host: '::1' })).body, '{"hello":"CN=alice"}')
})

t.test('if the transport cannot be opened, the error names the whole endpoint string', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1')
  t.teardown(() => { blocker.close() })
  await once(blocker, 'listening')
  const { port } = blocker.address() as AddressInfo
  const site = await makeSite(t)
  const taken = site.over(`tcp6:${port}:interface=127.0.0.1`)
  await t.rejects(startApp(t, taken), { code: 'FST_ENDPOINT_ADDRESS_IN_USE', endpoint: taken })
})
