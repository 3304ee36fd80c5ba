import t from 'tap'
import { withoutLoopback6 } from '../support/loopback.js'
import { startApp } from '../support/mutual-tls.js'

t.test('a tcp6 endpoint listens on the address that it names', { skip: withoutLoopback6 }, async (t) => {
  const { app, port } = await startApp(t, 'tcp6:0:interface=\\:\\:1')
  t.same(app.addresses(), [{ address: '::1', family: 'IPv6', port }])
  t.equal(app.listeningOrigin, `http://[::1]:${port}`)
  t.equal((await fetch(`http://[::1]:${port}/`)).status, 200)
})

t.test('without an interface it listens on every address of both families', { skip: withoutLoopback6 }, async (t) => {
  const { app, port } = await startApp(t, 'tcp6:0')
  t.match(app.server.address(), { address: '::', family: 'IPv6' })
  for (const host of ['[::1]', '127.0.0.1']) t.equal((await fetch(`http://${host}:${port}/`)).status, 200)
})

t.test('with ipv6Only it shares its port with a tcp endpoint', { skip: withoutLoopback6 }, async (t) => {
  const { port } = await startApp(t, 'tcp6:0:ipv6Only=1')
  await t.rejects(fetch(`http://127.0.0.1:${port}/`))
  await startApp(t, `tcp:${port}`)
  for (const host of ['[::1]', '127.0.0.1']) t.equal((await fetch(`http://${host}:${port}/`)).status, 200)
})

t.test('without ipv6Only, tcp and tcp6 endpoints cannot share a port, as in Twisted', { skip: withoutLoopback6 }, async (t) => {
  const { port } = await startApp(t, 'tcp6:0')
  await t.rejects(startApp(t, `tcp:${port}`), { code: 'FST_ENDPOINT_ADDRESS_IN_USE' })
})
