/** If no alert can be sent, the connection just ends, and the operator can see how often. */
import { connect } from 'node:tls'
import t from 'tap'
import { alertIn, alertSeenByNode, alertSeenByOpenssl } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, makeSite, putInForce, startApp, takeTicket } from '../support/mutual-tls.js'
import { quoteEndpointArgument } from '../../lib/index.js'
import { hasProgram } from '../support/programs.js'
import { Relay } from '../support/relay.js'

t.test('a refusal with an alert is counted, but not as a refusal without an alert', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { app, port } = await startApp(t, [site.endpoint(), 'tcp:0:interface=127.0.0.1'])
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.equal(await alertSeenByNode({ port }, { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }), 'certificate_revoked')
  }
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice), 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'), 'none')
  t.match(app.endpoint.listeners[0]?.refusals, { total: 2, withoutAlert: 0 })
  t.equal(app.endpoint.listeners[1]?.refusals, undefined, 'without TLS there are none')
})

// Since OpenSSL 3.2, CCM_8, the suite with the short tag, is below the security level.
const cipher = 'TLS_AES_128_CCM_SHA256'
t.test(`a connection ends without an alert if its cipher suite does not allow one (${cipher})`, async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(`:authorities=${named('ca.pem')}:revokedFile=${named('revoked.txt')}:ciphers=${cipher}`), undefined, { logger: log.logger })
  const as = (name: string): string[] => ['-tls1_3', '-ciphersuites', cipher, '-cert', site.path(`${name}.pem`), '-key', site.path(`${name}.key`)]
  t.equal(await alertSeenByOpenssl(port, as('mallory')), undefined)
  t.match(await log.line('client rejected'), { reason: 'certificate_revoked', alerted: false })
  t.match(app.endpoint.listeners[0]?.refusals, { total: 1, withoutAlert: 1 })
  t.equal(await alertSeenByOpenssl(port, as('alice')), undefined)
  t.match(app.endpoint.listeners[0]?.refusals, { total: 1, withoutAlert: 1 }, 'the suite itself is served')
})

t.test('a refused resumption ends without an alert in TLS 1.2, and with an alert in TLS 1.3', async (t) => {
  for (const { version, seen, withoutAlert } of [
    { version: 'TLSv1.2', seen: 'closed', withoutAlert: 1 },
    { version: 'TLSv1.3', seen: 'certificate_revoked', withoutAlert: 0 }
  ] as const) {
    const site = await makeSite(t)
    const { app, port } = await startApp(t, site.endpoint())
    const client = { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }
    const session = await takeTicket(port, client)
    // A swap makes tickets worthless, so this one must have been taken before it.
    const relay = await Relay.open(t, port, { flights: 1 })
    const socket = connect({ host: '127.0.0.1', port: relay.port, ...client, session })
    let alert = 'closed'
    let reused = false
    socket.once('secureConnect', () => { reused = socket.isSessionReused() })
    socket.on('error', (error) => { alert = alertIn(error) }).resume()
    const closed = new Promise((resolve) => { socket.once('close', resolve) })
    await relay.held
    await putInForce(app, () => site.revoke('mallory.pem'))
    relay.release()
    await closed
    t.ok(reused, 'the session was resumed')
    t.equal(alert, seen, version)
    t.match(app.endpoint.listeners[0]?.refusals, { total: 1, withoutAlert })
  }
})
