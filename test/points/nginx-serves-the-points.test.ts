/** Debian's nginx serves the points: complete CRLs, the delta CRLs that they name, validators and a redirect. */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeCrl, serialOf } from '../support/crl.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { startNginxSite } from '../support/nginx-site.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { at, freshest } from '../support/points.js'
import { hasNginx } from '../support/proxies.js'

t.test('a delta CRL releases one client and revokes another, and an unchanged CRL is not sent again', async (t) => {
  if (!hasNginx(t)) return
  const nginx = await startNginxSite(t, { directives: 'rewrite ^/moved/(.*)$ /$1 permanent;' })
  const site = await makeSite(t)
  const issuing = await createAuthority({ name: 'Issuing CA', issuer: site.ca, extensions: [at(nginx.url('/moved/root.crl'))] })
  const [carol, dave] = await Promise.all(['carol', 'dave'].map((name) => issuing.issue({ name, usage: 'client' }))) as [Issued, Issued]
  const entry = ({ der }: Issued, reason: number): { serial: string, reason: number } => ({ serial: serialOf(der), reason })
  await writeFile(site.path('ca.pem'), site.ca.certificate + issuing.certificate)
  await writeFile(site.path('revoked.txt'), `cdp:\n${nginx.url('/issuing.crl')}\n`)
  await nginx.put('root.crl', makeCrl(site.ca, { entries: [entry(site.mallory, 1)] }).der)
  await nginx.put('issuing.crl', makeCrl(issuing, { entries: [entry(carol, 6)], extensions: [freshest(nginx.url('/delta.crl'))] }).pem)
  await nginx.put('delta.crl', makeCrl(issuing, { number: 2, base: 1 }).der)
  const { app } = await startApp(t, site.endpoint())
  const status = (...chain: Issued[]): string | undefined => app.endpoint.listeners[0]?.revocation?.status(chain.map(({ x509 }) => x509)).status
  t.same([status(carol, issuing), status(dave, issuing), status(site.mallory)], ['revoked', 'good', 'revoked'])

  await nginx.put('delta.crl', makeCrl(issuing, { number: 3, base: 1, entries: [entry(carol, 8), entry(dave, 1)] }).der)
  await app.endpoint.reload()
  t.same([status(carol, issuing), status(dave, issuing), status(site.mallory)], ['good', 'revoked', 'revoked'])
  const answers = await nginx.untilAnswered(8)
  t.same(answers.slice(4).sort(), ['/delta.crl 200', '/issuing.crl 304', '/moved/root.crl 301', '/root.crl 304'])
  t.equal(app.endpoint.health().status, 'ready')
})
