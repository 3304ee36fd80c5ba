import { once } from 'node:events'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

const WARN = 40

t.test('a rejection is one line in the log that names the client, the reason and the line of the list', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await alertSeenByNode({ port }, asClient(site, site.mallory))
  const line = await log.line('client rejected')
  t.match(line, {
    level: WARN,
    reason: 'certificate_revoked',
    subject: '"CN=mallory"',
    issuer: '"CN=Test CA"',
    serial: site.mallory.x509.serialNumber,
    tbs: identifyCertificate(site.mallory.der).tbs,
    source: { list: site.path('revoked.txt'), line: 2, file: site.path('mallory.pem') },
    alerted: true,
    remoteAddress: '127.0.0.1'
  })
  t.equal(log.about('client rejected').length, 1)
})

t.test('the log line about a client without a certificate names no certificate', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await alertSeenByNode({ port }, asClient(site))
  const line = await log.line('client rejected')
  t.match(line, { reason: 'certificate_required', remoteAddress: '127.0.0.1' })
  t.notHas(line, { subject: String })
})

t.test('a closed connection has a log line of its own', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const mallory = await connectTls(port, asClient(site, site.mallory))
  mallory.on('error', () => {}).resume()
  const closed = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await closed
  t.match(await log.line('connection closed: its client is no longer admitted'), { reason: 'certificate_revoked', subject: '"CN=mallory"', source: { line: 2 } })
  t.match(await log.line('revocation list reloaded'), { revoked: 1, cut: 1, generation: 2 })
})

t.test('a client that keeps retrying causes five lines, and the others are counted', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  for (let attempt = 0; attempt < 20; attempt++) await alertSeenByNode({ port }, asClient(site))
  t.equal(log.about('client rejected').length, 5)
  await app.close()
  t.match(await log.line('further rejections'), { remoteAddress: '127.0.0.1', suppressed: 15 })
})
