import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { makeAllowedSite } from '../support/allowed-site.js'
import { delayRealpath } from '../support/disk-calls.js'
import { startApp } from '../support/mutual-tls.js'
import { errorOf } from '../support/rejection.js'
import { until } from '../support/until.js'

t.test('a reload does not take the result of a slow load that began before the last change', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { app } = await startApp(t, site.allowed)
  let respond = (): void => {}
  const responding = new Promise<void>((resolve) => { respond = resolve })
  // A load has seen the old file by then.
  delayRealpath(t, 'allowed.txt', () => responding)
  await site.revoke('mallory.pem')
  await until('the revocation does not wait for the list', () => app.endpoint.listeners[0]?.revocation?.size === 1)
  // The revoked file ages, so that one scan of it is enough.
  await setTimeout(200)
  await site.allow('cn:')
  const error = errorOf(() => app.endpoint.reload())
  respond()
  t.match(await error, { code: 'FST_ENDPOINT_ALLOWED_SYNTAX' })
  t.match(app.endpoint.health().reasons, [{ code: 'allowed_failed' }])
})

t.test('a reload waits for a second load too, if each of them is slow', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const { app } = await startApp(t, site.allowed)
  let isAsked = (): void => {}
  const asked = new Promise<void>((resolve) => { isAsked = resolve })
  delayRealpath(t, 'allowed.txt', async () => {
    isAsked()
    // Longer than a revocation waits for it.
    await setTimeout(150)
  })
  await site.revoke(`tbs:sha256//${Buffer.alloc(32).toString('base64')}`)
  await asked
  await site.allow('cn:mallory', 'cn:bob')
  await app.endpoint.reload()
  t.equal(app.endpoint.listeners[0]?.allowed?.rules, 2)
  await site.allow('cn:')
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_ALLOWED_SYNTAX' })
})
