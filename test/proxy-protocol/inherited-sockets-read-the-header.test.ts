import { join } from 'node:path'
import t from 'tap'
import { compiled, handOver, refusesEach } from '../support/inherited.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { head, Peer } from '../support/peer.js'
import { hasProgram } from '../support/programs.js'
import { connectTlsBehind, seenIn } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const TEXT = line('TCP4 192.0.2.1 198.51.100.7 56324 443')
const REQUEST = head('/ip', 'connection: close')

t.test('systemd sockets and descriptors of every kind read the header, and close connections without one', async (t) => {
  if (!hasProgram(t, 'python')) return
  const path = join(makeShortFolder(t), 's')
  const { child, ports: [port,, other] } = await handOver(t, ['LISTEN_FDNAMES=web:local:more', 'tcp', `unix=${path}`, 'tcp'], compiled('heir',
    'haproxy:systemd:INET:name=web:proxyFrom=127.0.0.0/8', 'haproxy:systemd:UNIX:name=local', 'haproxy:fd:5'))
  await child.prints(/^\{"listening".*$/m)
  for (const where of [port as number, path, other as number]) {
    const proxied = await Peer.connect(t, where)
    proxied.send(TEXT.toString('latin1') + REQUEST)
    t.equal(seenIn(await proxied.closed).ip, '192.0.2.1')
    const direct = await Peer.connect(t, where)
    direct.send(REQUEST)
    t.equal(await direct.closed, '')
  }
})

t.test('a TLS endpoint on an inherited socket reads the header', async (t) => {
  if (!hasProgram(t, 'python')) return
  const site = await makeSite(t)
  const { child, ports: [port] } = await handOver(t, ['LISTEN_FDNAMES=https', 'tcp'], compiled('heir', `haproxy:${site.over('systemd:INET:name=https')}`))
  await child.prints(/^\{"listening".*$/m)
  const peer = new Peer(t, await connectTlsBehind(port as number, TEXT, asClient(site, site.alice)))
  peer.send(REQUEST)
  t.equal(seenIn(await peer.closed).ip, '192.0.2.1')
})

t.test('proxyFrom on a descriptor that turns out to be a unix socket is an error', async (t) => {
  if (!hasProgram(t, 'python')) return
  const path = join(makeShortFolder(t), 's')
  await refusesEach(t, [`unix=${path}`], [
    ['haproxy:fd:3:proxyFrom=10.0.0.0/8', 'CONFLICTING_ARGUMENTS', /^haproxy: proxyFrom has no effect on a unix socket/, 'proxyFrom']
  ])
})
