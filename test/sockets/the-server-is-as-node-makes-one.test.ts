/** Compares the methods, properties and events of `app.server` and of a server of Node with docs/node-differences.md. */
import { EventEmitter, once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { Server as HttpServer } from 'node:http'
import { startBareApp } from '../support/bare-server.js'
import { documentedDifferences } from '../support/differences.js'
import { ask2, openSession } from '../support/http2-client.js'
import { asClient, bytesFor, get, helloRoute, makeSite, startApp, type RunningApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { portraitOfServer } from '../support/portrait.js'
import { noteEvents } from '../support/server-events.js'
import { until } from '../support/until.js'

/** A method without documentation in Node, which Node 24 has removed. */
const NOT_DOCUMENTED = 'setOptions'

/** Methods that exist, but throw. */
const REPLACED = ['addContext()', 'getTicketKeys()', 'setSecureContext()', 'setTicketKeys()']

t.test('app.server has every member of Node\'s server, except those that the documents name', async (t) => {
  const site = await makeSite(t)
  const missing = new Set<string>(REPLACED)
  const ours = await startApp(t, site.endpoint())
  const own = portraitOfServer(ours.app.server)
  t.ok(ours.app.server instanceof HttpServer)
  for (const http2 of [false, true]) {
    const { app } = await startBareApp(t, site, helloRoute, { http2 })
    for (const [name, type] of Object.entries(portraitOfServer(app.server))) {
      // What is undefined on Node's repeats an option that was not given.
      if (type !== 'undefined' && own[name] !== type && name !== NOT_DOCUMENTED) missing.add(type === 'function' ? `${name}()` : name)
    }
  }
  // Undefined on Node's server until they are set.
  for (const name of ['maxConnections', 'maxRequestsPerSocket']) missing.add(name)
  t.same([...missing].sort(), documentedDifferences('The server'))
})

t.test('app.server reports listeners, addresses, connections and timeouts as Node\'s server does', async (t) => {
  const site = await makeSite(t)
  for (const { app, port } of [await startBareApp(t, site, helloRoute), await startApp(t, site.endpoint())]) {
    const { server } = app
    t.equal(server.listening, true)
    t.match(server.address(), { address: '127.0.0.1', family: 'IPv4', port })
    t.equal(server.headersTimeout, 60_000)
    t.equal(server.timeout, 0)
    t.equal(server.setTimeout(5), server)
    t.equal(server.timeout, 5)
    t.equal(server.unref(), server)
    t.equal(server.ref(), server)
    server.setTimeout(0)
    const client = connect(port, '127.0.0.1').on('error', () => {})
    await once(client, 'connect')
    await until('one connection is open', () => new Promise((resolve) => { server.getConnections((_error, open) => { resolve(open === 1) }) }))
    client.destroy()
    server.closeIdleConnections()
    server.closeAllConnections()
    await (server as unknown as { [Symbol.asyncDispose] (): Promise<void> })[Symbol.asyncDispose]()
    t.equal(server.listening, false)
  }
})

/** Events whose listeners change the behavior of a server, or that wait for an answer. */
const ANSWERING = ['checkContinue', 'checkExpectation', 'clientError', 'connect', 'newSession', 'OCSPRequest', 'resumeSession', 'stream', 'timeout', 'unknownProtocol', 'upgrade']

/** The classes as code that only knows Node sees them. */
function asNode (events: readonly string[]): string[] {
  return events.map((event) => event.replaceAll('ClientSocket', 'TLSSocket'))
}

for (const http2 of [false, true]) {
  t.test(`app.server emits the events of connections as Node does, ${http2 ? 'HTTP/2' : 'HTTP/1'}`, async (t) => {
    const site = await makeSite(t)
    const foreigner = await (await createAuthority({ name: 'Elsewhere' })).issue({ name: 'foreigner', usage: 'client' })
    const apps: RunningApp[] = [
      await startBareApp(t, site, helloRoute, { http2 }),
      await startApp(t, `${site.endpoint()}:alpn=${http2 ? 'h2+http/1.1' : 'http/1.1'}`)
    ]
    const all: Array<Record<string, string[]>> = []
    for (const { app, port } of apps) {
      const server = app.server as EventEmitter
      const noted = noteEvents(server, ANSWERING)
      const events: Record<string, string[]> = {}
      if (http2) {
        const session = await openSession(port, asClient(site, site.alice))
        await ask2(session)
        session.close()
      } else {
        await get(port, asClient(site, site.alice))
      }
      events['good'] = noted.splice(0)
      const failed = async (connecting: () => unknown): Promise<string[]> => {
        const error = once(server, 'tlsClientError')
        await connecting()
        await error
        return noted.splice(0)
      }
      events['refused'] = await failed(() => bytesFor(port, asClient(site, foreigner), 'GET / HTTP/1.1\r\n\r\n'))
      events['anonymous'] = await failed(() => bytesFor(port, asClient(site), 'GET / HTTP/1.1\r\n\r\n'))
      events['garbage'] = await failed(() => { connect(port, '127.0.0.1').on('error', () => {}).resume().end('GET / HTTP/1.1\r\n\r\n') })
      events['left'] = await failed(() => { connect(port, '127.0.0.1').on('error', () => {}).on('connect', function leave (this: Socket) { this.destroy() }) })
      await app.close()
      events['closed'] = noted.splice(0)
      for (const [name, list] of Object.entries(events)) events[name] = asNode([...new Set(list)].filter((event) => !event.startsWith('keylog')))
      all.push(events)
    }
    const [bare, ours] = all as [Record<string, string[]>, Record<string, string[]>]
    const request = http2 ? 'request(Http2ServerRequest, Http2ServerResponse)' : 'request(IncomingMessage, ServerResponse)'
    const session = http2 ? ['session(ServerHttp2Session)'] : []
    t.same(bare, {
      good: ['connection(Socket)', ...session, 'secureConnection(TLSSocket)', request],
      refused: ['connection(Socket)', 'tlsClientError(ECONNRESET, TLSSocket)'],
      anonymous: ['connection(Socket)', 'tlsClientError(ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLSSocket)'],
      garbage: ['connection(Socket)', 'tlsClientError(ERR_SSL_HTTP_REQUEST, TLSSocket)'],
      left: ['connection(Socket)', 'tlsClientError(ECONNRESET, TLSSocket)'],
      closed: ['close()']
    })
    t.same(ours, {
      good: [...session, 'connection(TLSSocket)', 'secureConnection(TLSSocket)', request],
      refused: ['tlsClientError(FST_ENDPOINT_HANDSHAKE_REFUSED, TLSSocket)'],
      anonymous: ['tlsClientError(FST_ENDPOINT_HANDSHAKE_REFUSED, TLSSocket)'],
      garbage: ['tlsClientError(ERR_SSL_HTTP_REQUEST, TLSSocket)'],
      left: ['tlsClientError(ECONNRESET, TLSSocket)'],
      closed: ['close()']
    })
  })
}

t.test('the documents name the events that differ', async (t) => {
  t.same(documentedDifferences('Events of the server'), [
    'OCSPRequest', 'checkContinue', 'checkExpectation', 'clientError', 'connection', 'newSession', 'resumeSession', 'stream', 'tlsClientError', 'unknownProtocol'
  ])
})

t.test('tlsClientError says why a client is refused, and shows nothing that the client has sent', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { app, port } = await startApp(t, site.endpoint())
  const told = once(app.server, 'tlsClientError') as Promise<[Error & Record<string, unknown>, TLSSocket]>
  const clientErrors: unknown[] = []
  app.server.on('clientError', (error) => { clientErrors.push(error) })
  await bytesFor(port, asClient(site, site.mallory), 'GET / HTTP/1.1\r\n\r\n')
  const [error, socket] = await told
  t.match(error, {
    code: 'FST_ENDPOINT_HANDSHAKE_REFUSED',
    message: /the certificate is revoked$/,
    reason: 'certificate_revoked',
    alerted: true,
    remoteAddress: '127.0.0.1',
    certificate: { subject: 'CN=mallory' },
    source: { line: 2 }
  })
  t.match(socket, { authorized: false, authorizationError: 'certificate_revoked', server: app.server })
  t.notOk(socket.getPeerX509Certificate())
  t.same(clientErrors, [])
})

t.test('a handshake that takes too long has the same error code as in Node', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, `${site.endpoint()}:handshakeTimeout=1`)
  const told = once(app.server, 'tlsClientError')
  connect(port, '127.0.0.1').on('error', () => {}).resume()
  t.match((await told)[0], { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
})
