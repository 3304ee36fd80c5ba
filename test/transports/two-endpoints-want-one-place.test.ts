/** Where another endpoint of the app has the place, the error says so, and what to write. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

/** A port that is free on all addresses, as far as a moment ago. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('both families on one port', async (t) => {
  const port = await freePort()
  const [v4, v6] = [`tcp:${port}`, `tcp6:${port}`]
  await t.rejects(startApp(t, [v4, v6]), {
    code: 'FST_ENDPOINT_ADDRESS_IN_USE',
    message: new RegExp(`^"tcp6?:${port}" cannot be opened: its place is in use by another endpoint of this app, "tcp6?:${port}": \\[::\\]:${port} also takes IPv4: write ipv6Only=1 there$`),
    endpoint: /^tcp/,
    cause: { code: 'FST_ENDPOINT_ADDRESS_IN_USE', cause: { code: 'EADDRINUSE' } }
  })
  await t.resolves(startApp(t, [v4, `${v6}:ipv6Only=1`]), 'which is then right')
})

t.test('a port twice', async (t) => {
  const port = await freePort()
  const text = `tcp:${port}:interface=127.0.0.1`
  await t.rejects(startApp(t, [text, text]), { message: `"${text}" cannot be opened: its place is in use by another endpoint of this app, which has the same string: give each endpoint a port of its own` })
  await t.rejects(startApp(t, [text, `tcp:${port}`]), { message: 'another endpoint of this app, ' })
})

t.test('the path of a unix socket twice, and that of a lock', async (t) => {
  const path = join(makeShortFolder(t), 's')
  for (const lockfile of [0, 1]) {
    const [first, second] = [`unix:${path}:lockfile=${lockfile}`, `unix:${path}:mode=600:lockfile=${lockfile}`]
    await t.rejects(startApp(t, [first, second]), { code: 'FST_ENDPOINT_ADDRESS_IN_USE', message: /of this app, "unix:[^"]*": give each endpoint a path of its own$/ })
  }
  await t.rejects(startApp(t, [`unix:${path}`, `unix:${path}.lock:lockfile=0`]), { message: /\.lock" is the lock of the other endpoint/ })
})

t.test('a port of somebody else is not taken for one of the app', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { port } = server.address() as AddressInfo
  await t.rejects(startApp(t, [`tcp:${port}:interface=127.0.0.1`, 'tcp:0']), { message: /is in use by another listener \(/ })
})
