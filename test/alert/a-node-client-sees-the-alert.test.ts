import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { rename } from '../support/pki.js'

const ATTEMPTS = 40
const BODY = Buffer.alloc(5 * 1024 * 1024, 'x')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a Node client sees that its certificate is revoked (${version})`, async (t) => {
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    const { port } = await startApp(t, site.endpoint())
    t.equal(await alertSeenByNode({ port }, { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }), 'certificate_revoked')
  })

  t.test(`a Node client sees that its certificate was altered after it was signed (${version})`, async (t) => {
    const site = await makeSite(t)
    const { app, port } = await startApp(t, site.endpoint())
    const altered = rename(site.mallory, 'mallory', 'malicia')
    t.match(altered.x509.subject, 'CN=malicia')
    t.equal(await alertSeenByNode({ port }, { ...asClient(site, altered), minVersion: version, maxVersion: version }), 'bad_certificate')
    t.match(app.endpoint.listeners[0]?.refusals, { total: 1, withoutAlert: 0 })
  })
}

t.test('a client that is sending a body of 5 MB sees the alert 40 times out of 40', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { port } = await startApp(t, site.endpoint())
  const seen: string[] = []
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) seen.push(await alertSeenByNode({ port }, asClient(site, site.mallory), BODY))
  t.same(seen.filter((code) => code !== 'certificate_revoked'), [])
})
