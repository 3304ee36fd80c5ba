import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { freePort, withoutLoopback6 } from '../support/loopback.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { freePlace, hasNginx, startNginx, type Place } from '../support/proxies.js'
import { head, Peer } from '../support/peer.js'
import { seenIn, seenRoute, seenThrough } from '../support/proxied.js'
import { line } from '../support/proxy-headers.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const CLIENT = '127.0.0.9'

async function startStream (t: Test, server: string, listen = ''): Promise<Place> {
  const place = await freePlace()
  await startNginx(t, `
stream {
  server {
    listen ${place.host}:${place.port} ${listen};
    proxy_pass ${server};
    proxy_protocol on;
  }
}
`)
  return place
}

t.test('the app reads the header of nginx over TCP', async (t) => {
  if (!hasNginx(t)) return
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const place = await startStream(t, `127.0.0.1:${port}`)
  const { clientPort, ...seen } = await seenThrough(t, place, CLIENT)
  t.match(seen, { ip: CLIENT, remotePort: clientPort, localAddress: place.host, localPort: place.port, proxyProtocol: { version: 1, command: 'PROXY' } })
})

t.test('the app reads the header of nginx over a unix socket', async (t) => {
  if (!hasNginx(t)) return
  const path = join(makeShortFolder(t), 's')
  await startApp(t, `haproxy:unix:${path}`, seenRoute)
  const place = await startStream(t, `unix:${path}`)
  const { clientPort, ...seen } = await seenThrough(t, place, CLIENT)
  t.match(seen, { ip: CLIENT, remotePort: clientPort })
})

t.test('with TLS passed through by nginx, the app checks the certificate of the client', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, `haproxy:${site.endpoint()}`, seenRoute, { logger: log.logger })
  const place = await startStream(t, `127.0.0.1:${port}`)
  const { clientPort, ...seen } = await seenThrough(t, place, CLIENT, asClient(site, site.mallory))
  t.match(seen, { ip: CLIENT, remotePort: clientPort, client: 'CN=mallory' })
  await putInForce(app, () => site.revoke('mallory.pem'))
  t.equal(await alertSeenByNode(place, asClient(site, site.mallory)), 'certificate_revoked', 'nginx passes the alert on')
  t.match(log.about('client rejected'), [{ remoteAddress: '127.0.0.1' }])
  t.match(await seenThrough(t, place, CLIENT, asClient(site, site.alice)), { ip: CLIENT, client: 'CN=alice' })
})

t.test('nginx passes TLS through to a unix socket', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const path = join(makeShortFolder(t), 's')
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  await startApp(t, `haproxy:tls:transport=unix\\:${path}:privateKey=${named('server.key')}:certKey=${named('server.pem')}:authorities=${named('ca.pem')}`, seenRoute)
  const place = await startStream(t, `unix:${path}`)
  t.match(await seenThrough(t, place, CLIENT, asClient(site, site.alice)), { ip: CLIENT, client: 'CN=alice' })
})

t.test('the app reads the header of nginx that terminates TLS', async (t) => {
  if (!hasNginx(t)) return
  const site = await makeSite(t)
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const place = await startStream(t, `127.0.0.1:${port}`, `ssl; ssl_certificate ${site.path('server.pem')}; ssl_certificate_key ${site.path('server.key')}`)
  t.match(await seenThrough(t, place, CLIENT, asClient(site)), { ip: CLIENT, proxyProtocol: { version: 1 } })
})

t.test('the app sees the real client behind two nginx, where the second reads the header of the first', async (t) => {
  if (!hasNginx(t)) return
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const [first, second] = [await freePlace(), await freePlace()]
  await startNginx(t, `
stream {
  server {
    listen ${first.host}:${first.port};
    proxy_pass ${second.host}:${second.port};
    proxy_protocol on;
  }
  server {
    listen ${second.host}:${second.port} proxy_protocol;
    set_real_ip_from 127.0.0.0/8;
    proxy_pass 127.0.0.1:${port};
    proxy_protocol on;
  }
}
`)
  t.match(await seenThrough(t, first, CLIENT), { ip: CLIENT })
})

t.test('the app sees the real client with realip and addresses of different families', { skip: withoutLoopback6 }, async (t) => {
  if (!hasNginx(t)) return
  const { port } = await startApp(t, 'haproxy:tcp:0:interface=127.0.0.1', seenRoute)
  const [ipv4, ipv6] = [await freePlace(), { host: '::1', port: await freePort('::1') }]
  await startNginx(t, `
stream {
  server {
    listen ${ipv4.host}:${ipv4.port} proxy_protocol;
    listen [${ipv6.host}]:${ipv6.port} proxy_protocol;
    set_real_ip_from 127.0.0.0/8;
    set_real_ip_from ::1;
    proxy_pass 127.0.0.1:${port};
    proxy_protocol on;
  }
}
`)
  const seenFrom = async (place: Place, header: Buffer): Promise<unknown> => {
    const socket = connect(place)
    const peer = new Peer(t, socket)
    await once(socket, 'connect')
    peer.send(header.toString('latin1') + head('/', 'connection: close'))
    return seenIn(await peer.closed)
  }
  t.match(await seenFrom(ipv4, line('TCP6 2001:db8::a 2001:db8::b 56324 443')), {
    ip: '2001:db8::a',
    remoteFamily: 'IPv6',
    remotePort: 56324,
    localAddress: `::ffff:${ipv4.host}`,
    localFamily: 'IPv6',
    localPort: ipv4.port
  })
  t.match(await seenFrom(ipv6, line('TCP4 192.0.2.1 192.0.2.2 56324 443')), {
    ip: '192.0.2.1',
    remoteFamily: 'IPv4',
    localAddress: '::1',
    localFamily: 'IPv6',
    localPort: ipv6.port
  })
})
