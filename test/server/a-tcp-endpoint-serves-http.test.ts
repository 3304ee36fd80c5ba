import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('a tcp endpoint serves plain HTTP on the port that the system chose', async (t) => {
  const { app, port } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  t.ok(port > 0)
  t.same(app.addresses(), [{ address: '127.0.0.1', family: 'IPv4', port }])
  const response = await fetch(`http://127.0.0.1:${port}/`)
  t.equal(response.status, 200)
  t.same(await response.json(), { hello: 'anonymous' })
})

t.test('an empty interface means every IPv4 address, and only those', async (t) => {
  const { app } = await startApp(t, 'tcp:0')
  t.match(app.server.address(), { address: '0.0.0.0', family: 'IPv4' })
})
