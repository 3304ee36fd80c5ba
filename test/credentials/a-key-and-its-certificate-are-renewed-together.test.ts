import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { renewals, serverSerial } from '../support/renewal.js'

t.test('while only the key is renewed, the previous key pair stays in force, and the log says why', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const next = await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  await writeFile(site.path('server.key'), next.key)
  const line = await log.line('cannot be loaded')
  t.match(line['err'], { code: 'FST_ENDPOINT_KEY_MISMATCH' })
  t.notMatch(JSON.stringify(line), /BEGIN|PRIVATE KEY-/)
  t.equal(await serverSerial(port, site), site.server.x509.serialNumber)
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_KEY_MISMATCH' })
  await writeFile(site.path('server.pem'), next.chain)
  await renewals(log, 1)
  t.equal(await serverSerial(port, site), next.x509.serialNumber)
  await log.line('loaded without problems again')
})

t.test('a broken file of authorities leaves the last good authorities in force', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await writeFile(site.path('ca.pem'), site.ca.certificate.slice(0, 200))
  t.match((await log.line('cannot be loaded'))['err'], { code: 'FST_ENDPOINT_FILE_INVALID' })
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})
