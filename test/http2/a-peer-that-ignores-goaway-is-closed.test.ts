/** An HTTP/2 peer that ignores everything: neither GOAWAY nor the end of our side makes it leave. */
import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t from 'tap'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'

/** The client's preface (RFC 9113 section 3.4) and empty SETTINGS (section 6.5). */
const PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])

async function openStubborn (port: number, site: Site): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, ...asClient(site, site.alice), ALPNProtocols: ['h2'], allowHalfOpen: true } as ConnectionOptions)
  await once(socket, 'secureConnect')
  socket.on('error', () => {}).write(PREFACE)
  await once(socket, 'data')
  return socket
}

t.test('app.close() does not wait for a peer that ignores GOAWAY', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, undefined, { forceCloseConnections: false })
  const peer = await openStubborn(port, site)
  await app.close()
  peer.destroy()
})

t.test('a peer that ignores GOAWAY no longer counts as a connection after http2SessionTimeout', async (t) => {
  const site = await makeSite(t)
  const { port } = await startApp(t, `${site.endpoint()}:alpn=h2+http/1.1`, undefined, { http2SessionTimeout: 50, plugin: { maxConnections: 1 } } as object)
  const peer = await openStubborn(port, site)
  let status: number | undefined
  // Each attempt is a connection, so this loop waits for the server and not for a clock.
  for (let attempt = 0; attempt < 2000 && status === undefined; attempt++) {
    status = await get(port, asClient(site, site.alice)).then((answer) => answer.status, () => undefined)
  }
  t.equal(status, 200)
  peer.destroy()
})
