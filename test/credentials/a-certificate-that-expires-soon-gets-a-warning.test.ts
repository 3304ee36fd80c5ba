import t from 'tap'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'

const DAY = 24 * 60 * 60 * 1000

t.test('the log warns once, with the file, when a certificate enters the last tenth of its lifetime', async (t) => {
  const site = await makeSite(t)
  const old = await site.ca.issue({
    name: 'localhost', usage: 'server', dnsNames: ['localhost'], notBefore: new Date(Date.now() - 91 * DAY), notAfter: new Date(Date.now() + 9 * DAY)
  })
  await site.write('server', old)
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await app.endpoint.reload()
  const lines = log.about('expires soon')
  t.equal(lines.length, 1)
  t.match(lines[0], { level: 40, file: site.path('server.pem'), notAfter: new Date(old.x509.validTo).toISOString() })
})

t.test('the log says that a certificate has expired', async (t) => {
  const site = await makeSite(t)
  await site.write('server', await site.ca.issue({
    name: 'localhost', usage: 'server', dnsNames: ['localhost'], notBefore: new Date(Date.now() - 9 * DAY), notAfter: new Date(Date.now() - DAY)
  }))
  const log = new LogCapture()
  await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.match(log.about('has expired: renew it'), [{ level: 50 }], 'somebody must act')
})
