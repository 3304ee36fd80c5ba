import { mkdir, writeFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { makeCrlSite } from '../support/crl-site.js'
import { makeSite, putInForce, startApp } from '../support/mutual-tls.js'

const DAY = 24 * 60 * 60 * 1000
const NOW = Math.floor(Date.now() / 1000) * 1000
const inDays = (days: number): Date => new Date(NOW + days * DAY)

t.test('a certificate that expires soon or has expired degrades the health', async (t) => {
  const site = await makeSite(t)
  const renew = async (end: Date): Promise<void> => {
    await site.write('server', await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'], notBefore: inDays(-91), notAfter: end }))
  }
  await renew(inDays(9))
  const endpoint = site.endpoint()
  const { app } = await startApp(t, endpoint)
  t.match(app.endpoint.health(), {
    status: 'degraded',
    reasons: [{ code: 'certificate_expires_soon', endpoint, count: 1, file: site.path('server.pem'), ends: inDays(9), message: /expires soon: renew it/ }]
  })
  await putInForce(app, () => renew(inDays(-1)))
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'certificate_expired', ends: inDays(-1) }] })
  await putInForce(app, () => renew(inDays(400)))
  t.same(app.endpoint.health(), { status: 'ready', reasons: [] })
})

t.test('many certificates are one reason, with the one that expires first', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('names'))
  for (const [name, days] of [['a', 5], ['b', 4], ['c', 6], ['d', 300]] as const) {
    const { key, chain } = await site.ca.issue({ name, usage: 'server', dnsNames: [`${name}.example`], notBefore: inDays(-91), notAfter: inDays(days) })
    await writeFile(site.path(`names/${name}.example.pem`), key + chain)
  }
  const { app } = await startApp(t, `${site.endpoint()}:sni=${quoteEndpointArgument(site.path('names'))}`)
  const { reasons } = app.endpoint.health()
  t.match(reasons, [{ code: 'certificate_expires_soon', count: 3, file: site.path('names/b.example.pem'), ends: inDays(4) }])
  t.equal(reasons.length, 1)
})

t.test('a CRL degrades the health shortly before its nextUpdate and after it', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [], { thisUpdate: inDays(-9), nextUpdate: inDays(1) })
  const { app } = await startApp(t, site.endpoint())
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'crl_expires_soon', file: site.path('ca.crl'), ends: inDays(1) }] })
  await putInForce(app, () => site.list('ca', site.ca, [], { number: 2, thisUpdate: inDays(-9), nextUpdate: inDays(-1) }))
  t.match(app.endpoint.health(), { status: 'degraded', reasons: [{ code: 'crl_expired', file: site.path('ca.crl'), ends: inDays(-1) }] })
  await putInForce(app, () => site.list('ca', site.ca, [], { number: 3, thisUpdate: inDays(0), nextUpdate: inDays(10) }))
  t.same(app.endpoint.health(), { status: 'ready', reasons: [] })
})
