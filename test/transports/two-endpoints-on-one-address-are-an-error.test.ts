/** If another endpoint of the app already uses the address, the error says so, and what to write. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

/** A port that was free on all addresses a moment ago. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('two endpoints for both families on one port are an error that says what to write', async (t) => {
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

t.test('two endpoints on the same port are an error', async (t) => {
  const port = await freePort()
  const text = `tcp:${port}:interface=127.0.0.1`
  await t.rejects(startApp(t, [text, text]), { message: `"${text}" cannot be opened: its place is in use by another endpoint of this app, which has the same string: give each endpoint a port of its own` })
  await t.rejects(startApp(t, [text, `tcp:${port}`]), { message: 'another endpoint of this app, ' })
})

t.test('two endpoints with the same unix socket or the same lock file are an error', async (t) => {
  const path = join(makeShortFolder(t), 's')
  for (const lockfile of [0, 1]) {
    const [first, second] = [`unix:${path}:lockfile=${lockfile}`, `unix:${path}:mode=600:lockfile=${lockfile}`]
    await t.rejects(startApp(t, [first, second]), { code: 'FST_ENDPOINT_ADDRESS_IN_USE', message: /of this app, "unix:[^"]*": give each endpoint a path of its own$/ })
  }
  await t.rejects(startApp(t, [`unix:${path}`, `unix:${path}.lock:lockfile=0`]), { message: /\.lock" is the lock of the other endpoint/ })
})

t.test('the error does not blame another endpoint if a different process uses the port', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  const { port } = server.address() as AddressInfo
  await t.rejects(startApp(t, [`tcp:${port}:interface=127.0.0.1`, 'tcp:0']), { message: /is in use by another listener \(/ })
})
