import { join } from 'node:path'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, makeSite, startApp } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`the alert arrives over a unix socket (${version})`, async (t) => {
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    const path = join(makeShortFolder(t), 'tls.sock')
    await startApp(t, site.over(`unix:${path}`))
    t.equal(await alertSeenByNode({ path }, { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }), 'certificate_revoked')
  })
}
