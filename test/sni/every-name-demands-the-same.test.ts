import { once } from 'node:events'
import { connect, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { alertIn, alertSeenByNode } from '../support/alerts.js'
import { asClient, get, makeSite, putInForce, startApp, takeTicket } from '../support/mutual-tls.js'
import { withNames } from '../support/names.js'
import { createAuthority } from '../support/pki.js'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`every name has the authorities, the revocations and the tickets of the endpoint (${version})`, async (t) => {
    const site = await makeSite(t)
    const names = await withNames(site, 'one.test', 'two.test')
    const { app, port } = await startApp(t, names.endpoint)
    const as = (servername: string, leaf?: { chain: string, key: string }): ConnectionOptions => ({ ...asClient(site, leaf), servername, minVersion: version, maxVersion: version })

    for (const name of ['one.test', 'two.test', 'localhost']) {
      t.equal((await get(port, as(name, site.alice))).status, 200, `good: ${name}`)
      t.equal(await alertSeenByNode({ port }, as(name)), version === 'TLSv1.3' ? 'certificate_required' : 'handshake_failure', `without a certificate: ${name}`)
      const stranger = await (await createAuthority({ name: 'Stranger' })).issue({ name: 'eve', usage: 'client' })
      t.equal(await alertSeenByNode({ port }, as(name, stranger)), 'unknown_ca', `from elsewhere: ${name}`)
    }

    const session = await takeTicket(port, as('one.test', site.mallory))
    const resumed = connect({ host: '127.0.0.1', port, ...as('one.test', site.mallory), session })
    await once(resumed, 'secureConnect')
    t.ok(resumed.isSessionReused(), 'a session of a name is resumed')
    resumed.destroy()

    await putInForce(app, async () => {
      await site.write('revoked', site.mallory)
      await site.revoke('revoked.pem')
    })
    for (const name of ['one.test', 'two.test', 'localhost']) {
      t.equal(await alertSeenByNode({ port }, as(name, site.mallory)), 'certificate_revoked', `revoked: ${name}`)
    }
    const late = connect({ host: '127.0.0.1', port, ...as('one.test', site.mallory), session })
    const [error] = await once(late, 'error')
    t.equal(alertIn(error), 'certificate_revoked', 'with a ticket from before')
    t.notOk(late.isSessionReused())
  })
}
