import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('a port that is in use is a coded error that names the port', async (t) => {
  const { port } = await startApp(t, 'tcp:0:interface=127.0.0.1')
  const endpoint = `tcp:${port}:interface=127.0.0.1`
  await t.rejects(startApp(t, endpoint), {
    code: 'FST_ENDPOINT_ADDRESS_IN_USE',
    message: `"${endpoint}" cannot be opened: 127.0.0.1 port ${port} is in use by another listener`,
    endpoint,
    cause: { code: 'EADDRINUSE' }
  })
})

t.test('an interface that this machine does not have is a coded error that names the argument', async (t) => {
  // 203.0.113.0/24 is reserved for documentation (RFC 5737), so no machine has it.
  await t.rejects(startApp(t, 'tcp:0:interface=203.0.113.1'), {
    code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE',
    message: /this machine has no such address: 203\.0\.113\.1 port 0\. Set interface=/,
    argument: 'interface',
    cause: { code: 'EADDRNOTAVAIL' }
  })
})

t.test('an interface that is an unknown host name is a coded error', async (t) => {
  // An empty label: the resolver refuses it without a query.
  await t.rejects(startApp(t, 'tcp:0:interface=no..host'), {
    code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE',
    message: /no\.\.host/,
    argument: 'interface'
  })
})
