import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { TrustedNetworks } from '../../lib/proxy-protocol/trusted-networks.js'
import { withoutLoopback6 } from '../support/loopback.js'
import { LogCapture } from '../support/log.js'
import { startApp } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { seenRoute } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'

const REQUEST = line('TCP4 192.0.2.1 198.51.100.7 56324 443').toString('latin1') + head('/', 'connection: close')

async function answerTo (t: Test, port: number, localAddress: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host, localAddress })
  const peer = new Peer(t, socket)
  await once(socket, 'connect').catch(() => {})
  peer.send(REQUEST)
  return peer.closed
}

t.test('a peer outside the trusted networks is closed without an answer, with few lines in the log', async (t) => {
  const log = new LogCapture()
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1:proxyFrom=127.0.0.2,10.0.0.0/8', seenRoute, { logger: log.logger })
  t.match(await answerTo(t, port, '127.0.0.2'), '192.0.2.1')
  for (let tries = 0; tries < 20; tries++) t.equal(await answerTo(t, port, '127.0.0.3'), '')
  t.match(await answerTo(t, port, '127.0.0.2'), '192.0.2.1', 'and others are served')
  const lines = log.about('proxy connection rejected')
  t.match(lines[0], { level: 40, reason: 'untrusted', detail: /proxyFrom/, remoteAddress: '127.0.0.3' })
  t.equal(lines.length, 5)
})

t.test('a peer outside the trusted networks does not count as a handshake', async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1:proxyFrom=127.0.0.2', seenRoute, { plugin: { maxHandshakes: 1, maxConnections: 1 } })
  const waiting = new Peer(t, connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' }))
  await once(waiting.socket, 'connect')
  t.equal(await answerTo(t, port, '127.0.0.3'), '')
  waiting.send(REQUEST)
  t.match(await waiting.closed, '192.0.2.1')
})

t.test('a socket for both families treats an IPv4 client as IPv4', { skip: withoutLoopback6 }, async (t) => {
  const { port } = await startApp(t, 'haproxy:tcp6:0:proxyFrom=127.0.0.2', seenRoute)
  t.match(await answerTo(t, port, '127.0.0.2'), '192.0.2.1')
  t.equal(await answerTo(t, port, '127.0.0.3'), '')
  t.equal(await answerTo(t, port, '::1', '::1'), '')
})

for (const { networks, inside, outside } of [
  {
    networks: undefined,
    inside: ['127.0.0.1', '127.255.255.255', '::1', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fdff:ffff::1', '::ffff:10.0.0.1', '::FFFF:192.168.255.1', 'fd00::1%eth0'],
    outside: ['126.255.255.255', '128.0.0.1', '::2', '::', '11.0.0.1', '172.15.255.255', '172.32.0.0', '192.169.0.0', 'fbff::1', 'fe00::1', 'fe80::1', 'fe80::1%eth0', '::ffff:11.0.0.1', '8.8.8.8', '2001:db8::1', '169.254.1.1', '100.64.0.1']
  },
  { networks: ['192.0.2.0/25'], inside: ['192.0.2.0', '192.0.2.127', '::ffff:192.0.2.5'], outside: ['192.0.2.128', '127.0.0.1', '10.0.0.1', '::1'] },
  { networks: ['192.0.2.1/32', '2001:db8::/33'], inside: ['192.0.2.1', '2001:db8:7fff::1'], outside: ['192.0.2.2', '2001:db8:8000::1'] },
  { networks: ['::ffff:10.0.0.0/104', '0:0:0:0:0:FFFF:c000:201/128'], inside: ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.1'], outside: ['11.0.0.1', '::1', '192.0.2.2'] },
  { networks: ['0.0.0.0/0'], inside: ['1.2.3.4', '::ffff:1.2.3.4'], outside: ['::1'] },
  { networks: ['::/0'], inside: ['::1', '2001:db8::1'], outside: ['1.2.3.4', '::ffff:1.2.3.4'] }
]) {
  t.test(`${networks?.join(', ') ?? 'by default loopback and private ranges'}: addresses inside are trusted, others are not`, async (t) => {
    const trusted = new TrustedNetworks(networks)
    for (const address of inside) t.equal(trusted.has(address), true, address)
    for (const address of outside) t.equal(trusted.has(address), false, address)
  })
}
