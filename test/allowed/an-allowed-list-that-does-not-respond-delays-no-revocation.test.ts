import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { delayRealpath } from '../support/disk-calls.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import type { Issued } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { until } from '../support/until.js'

t.test('a revocation takes effect with the earlier rules, health reports the list, and the rules follow', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:mallory'])
  const { app, port } = await startApp(t, site.allowed)
  const isRejected = (client: Issued): Promise<boolean> => get(port, asClient(site, client)).then(() => false, () => true)
  let respond = (): void => {}
  const responding = new Promise<void>((resolve) => { respond = resolve })
  delayRealpath(t, 'allowed.txt', () => responding)
  await site.allow('cn:mallory')
  await site.revoke(`tbs:${identifyCertificate(site.mallory.der).tbs}`)
  await until('the revocation is in force', async () => await isRejected(site.mallory))
  t.equal((await get(port, asClient(site, site.alice))).status, 200, 'by the previous rules')
  const error = await errorOf(() => app.endpoint.reload())
  t.match(error, { code: 'FST_ENDPOINT_FILE_UNREADABLE', message: /does not respond$/ })
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'allowed_failed' }] })
  respond()
  await until('the rules are in force', async () => await isRejected(site.alice))
  await until('health is ready', () => app.endpoint.health().status === 'ready')
})
