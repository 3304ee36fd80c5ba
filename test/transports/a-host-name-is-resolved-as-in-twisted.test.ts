import t from 'tap'
import { withoutLoopback6 as skip } from '../support/loopback.js'
import { startApp } from '../support/mutual-tls.js'
import { answerLookup } from '../support/resolver.js'

const IPV4 = { address: '127.0.0.1', family: 4 }
const IPV6 = { address: '::1', family: 6 }

t.test('a host with addresses of both families listens on the family of the type, as in Twisted', { skip }, async (t) => {
  for (const addresses of [[IPV4, IPV6], [IPV6, IPV4]]) {
    answerLookup(t, 'both.example', addresses)
    t.match((await startApp(t, 'tcp:0:interface=both.example')).app.server.address(), { address: '127.0.0.1' })
    t.match((await startApp(t, 'tcp6:0:interface=both.example')).app.server.address(), { address: '::1' })
  }
})

t.test('a host with addresses of the other family only listens on that family', { skip }, async (t) => {
  answerLookup(t, 'only6.example', [IPV6])
  t.match((await startApp(t, 'tcp:0:interface=only6.example')).app.server.address(), { address: '::1' })
})
