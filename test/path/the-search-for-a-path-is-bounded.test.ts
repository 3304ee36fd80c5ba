/** The certificates that one client sends neither delay other clients nor break their paths. */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { X509Certificate } from 'node:crypto'
import { asClient, bytesFor, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Authority, type Issued } from '../support/pki.js'

async function isServed (port: number, site: Site, leaf: Issued, sent: readonly string[]): Promise<boolean> {
  const answer = await bytesFor(port, asClient(site, { chain: leaf.certificate + sent.join(''), key: leaf.key }), 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
  return answer.includes('200 OK')
}

/** The same certificate with a signature that does not verify. */
function breakSignature ({ der }: Authority): string {
  const broken = Buffer.from(der)
  broken[broken.length - 1] = (broken.at(-1) as number) ^ 1
  return new X509Certificate(broken).toString()
}

t.test('a path of three certificates is found among 300 authorities', { timeout: 120_000 }, async (t) => {
  const site = await makeSite(t)
  const bundle = await Promise.all(Array.from({ length: 300 }, (_none, index) => createAuthority({ name: `Authority ${index}` })))
  await writeFile(site.path('ca.pem'), bundle.map(({ certificate }) => certificate).join(''))
  const { port } = await startApp(t, site.endpoint())
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: bundle.at(-1) as Authority })
  t.ok(await isServed(port, site, await intermediate.issue({ name: 'client', usage: 'client' }), [intermediate.certificate]))
})

t.test('an authority with a broken signature that one client sends does not affect other clients', async (t) => {
  const site = await makeSite(t)
  const old = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const renewed = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair: old.keyPair })
  const { port } = await startApp(t, site.endpoint())
  const attacker = await old.issue({ name: 'attacker', usage: 'client' })
  const victim = await renewed.issue({ name: 'victim', usage: 'client' })
  await isServed(port, site, attacker, [old.certificate, breakSignature(renewed)])
  await isServed(port, site, attacker, [breakSignature(renewed), old.certificate])
  t.ok(await isServed(port, site, victim, [renewed.certificate]))
})

t.test('an authority beyond the allowed path length does not replace a revoked one', async (t) => {
  const site = await makeSite(t)
  const revoked = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const tenant = await createAuthority({ name: 'Tenant', issuer: site.ca, pathLength: 0 })
  const crossed = await createAuthority({ name: 'Intermediate', issuer: tenant, keyPair: revoked.keyPair })
  const leaf = await revoked.issue({ name: 'client', usage: 'client' })
  await writeFile(site.path('revoked.pem'), revoked.certificate)
  await site.revoke('revoked.pem')
  const { port } = await startApp(t, site.endpoint())
  t.notOk(await isServed(port, site, leaf, [revoked.certificate, crossed.certificate, tenant.certificate]))
  t.notOk(await isServed(port, site, leaf, [crossed.certificate, tenant.certificate, revoked.certificate]))
})
