import t from 'tap'
import { startApp } from '../support/mutual-tls.js'

t.test('a port that somebody listens on is a coded error that names it', async (t) => {
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
  // 203.0.113.0/24 is for documentation (RFC 5737): nobody has it.
  await t.rejects(startApp(t, 'tcp:0:interface=203.0.113.1'), {
    code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE',
    message: /this machine has no such address: 203\.0\.113\.1 port 0\. Set interface=/,
    argument: 'interface',
    cause: { code: 'EADDRNOTAVAIL' }
  })
})

t.test('an interface that is the name of no host is a coded error too', async (t) => {
  // An empty label: the resolver refuses it without asking anybody.
  await t.rejects(startApp(t, 'tcp:0:interface=no..host'), {
    code: 'FST_ENDPOINT_ADDRESS_UNAVAILABLE',
    message: /no\.\.host/,
    argument: 'interface'
  })
})
