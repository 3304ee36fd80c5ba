/** Every reason to refuse a client, with its alert from RFC 8446 section 6.2, over TCP and over a unix socket. */
import { join } from 'node:path'
import t from 'tap'
import { alertSeenByOpenssl } from '../support/alerts.js'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, rename, type Issued } from '../support/pki.js'
import { hasProgram } from '../support/programs.js'
import { makeShortFolder } from '../support/unix-sockets.js'

const DAY = 24 * 60 * 60 * 1000
const past = (days: number): Date => new Date(Date.now() - days * DAY)

const CLIENTS: ReadonlyArray<{ title: string, alert: Record<'-tls1_2' | '-tls1_3', number>, make?: (site: Site) => Promise<Issued> }> = [
  { title: 'a certificate whose subject was altered after it was signed', alert: { '-tls1_2': 42, '-tls1_3': 42 }, make: async (site) => rename(site.mallory, 'mallory', 'malicia') },
  { title: 'a revoked certificate', alert: { '-tls1_2': 44, '-tls1_3': 44 }, make: async (site) => { await site.revoke('client.pem'); return site.mallory } },
  { title: 'an expired certificate', alert: { '-tls1_2': 45, '-tls1_3': 45 }, make: (site) => site.ca.issue({ name: 'late', usage: 'client', notBefore: past(9), notAfter: past(2) }) },
  { title: 'a certificate that is not valid yet', alert: { '-tls1_2': 45, '-tls1_3': 45 }, make: (site) => site.ca.issue({ name: 'early', usage: 'client', notBefore: past(-2), notAfter: past(-9) }) },
  { title: 'a certificate of an unknown CA', alert: { '-tls1_2': 48, '-tls1_3': 48 }, make: async () => (await createAuthority({ name: 'Elsewhere' })).issue({ name: 'foreigner', usage: 'client' }) },
  { title: 'a certificate whose CA only has the name of ours', alert: { '-tls1_2': 48, '-tls1_3': 48 }, make: async () => (await createAuthority({ name: 'Test CA' })).issue({ name: 'forged', usage: 'client' }) },
  { title: 'a certificate for servers only', alert: { '-tls1_2': 43, '-tls1_3': 43 }, make: (site) => site.ca.issue({ name: 'wrong purpose', usage: 'server' }) },
  { title: 'no certificate', alert: { '-tls1_2': 40, '-tls1_3': 116 } }
]

for (const { title, alert, make } of CLIENTS) {
  t.test(title, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const site = await makeSite(t)
    const client = await make?.(site)
    if (client !== undefined) await site.write('client', client)
    const path = join(makeShortFolder(t), 's')
    const { app, port } = await startApp(t, [site.endpoint(), site.over(`unix:${path}`)])
    const certificate = client === undefined ? [] : ['-cert', site.path('client.pem'), '-key', site.path('client.key')]
    for (const flag of ['-tls1_2', '-tls1_3'] as const) {
      t.equal(await alertSeenByOpenssl(port, [flag, ...certificate]), alert[flag], `${flag} over TCP`)
      t.equal(await alertSeenByOpenssl(path, [flag, ...certificate]), alert[flag], `${flag} over a unix socket`)
    }
    t.match(app.endpoint.listeners.map(({ refusals }) => refusals), [{ total: 2, withoutAlert: 0 }, { total: 2, withoutAlert: 0 }])
  })
}
