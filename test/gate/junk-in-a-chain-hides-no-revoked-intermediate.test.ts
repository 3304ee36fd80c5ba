import t from 'tap'
import { asClient, makeSite, type Site } from '../support/mutual-tls.js'
import { openGate, type OpenGate } from '../support/open-gate.js'
import { createAuthority, element, Extension, generateKeyPair, type Authority, type Issued } from '../support/pki.js'

/** nameConstraints that permit names below example.org alone (RFC 5280 section 4.2.1.10). */
const LIMITED = new Extension('2.5.29.30', true, element(0x30, element(0xa0, element(0x30, element(0x82, Buffer.from('example.org'))))))

async function visit (open: OpenGate, site: Site, leaf: Issued, sent: readonly Issued[]): Promise<string> {
  const chain = [leaf, ...sent].map(({ certificate }) => certificate).join('')
  const { verdict } = await open.visit(asClient(site, { chain, key: leaf.key }))
  return verdict.admitted ? 'admitted' : verdict.reason
}

/** A certificate with the name of an authority, but another key. */
async function junk (name: string): Promise<Authority> {
  return await createAuthority({ name, keyIdentifiers: false, notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') })
}

t.test('junk that exhausts the path search does not admit a client on the word of OpenSSL alone', async (t) => {
  const site = await makeSite(t)
  const keyPair = await generateKeyPair()
  const revoked = await createAuthority({ name: 'B', issuer: site.ca, keyPair })
  const limited = await createAuthority({ name: 'B', issuer: site.ca, keyPair, extensions: [LIMITED] })
  const below = await createAuthority({ name: 'A', issuer: revoked })
  const inside = await below.issue({ name: 'inside', usage: 'client', dnsNames: ['a.example.org'] })
  const outside = await below.issue({ name: 'outside', usage: 'client', dnsNames: ['a.example.com'] })
  const open = await openGate(t, site)
  open.revoke(revoked)
  t.equal(await visit(open, site, inside, [below, limited]), 'admitted', 'its links are cached from now on')
  const hidden = await Promise.all(['A', 'A', 'B', 'B'].map(junk)) as [Authority, Authority, Authority, Authority]
  const [first, second, third, fourth] = hidden
  // OpenSSL skips what has expired, and takes the path by the revoked one.
  t.equal(await visit(open, site, outside, [first, second, below, third, fourth, revoked, limited]), 'unknown_ca')
})

t.test('a good client below an intermediate with name constraints is admitted after a swap, and after the gate forgets it', async (t) => {
  const site = await makeSite(t)
  const limited = await createAuthority({ name: 'Limited', issuer: site.ca, extensions: [LIMITED] })
  const leaf = await limited.issue({ name: 'inside', usage: 'client', dnsNames: ['a.example.org'] })
  const open = await openGate(t, site)
  t.equal(await visit(open, site, leaf, [limited]), 'admitted')
  for (let swap = 0; swap < 3; swap++) {
    open.revoke(site.mallory)
    t.equal(await visit(open, site, leaf, [limited]), 'admitted', `swap ${swap}`)
  }
  const forgetful = await openGate(t, site, '', { remember: 1 })
  t.equal(await visit(forgetful, site, leaf, [limited]), 'admitted')
  t.equal(await visit(forgetful, site, site.alice, []), 'admitted')
  t.equal(await visit(forgetful, site, leaf, [limited]), 'admitted')
  forgetful.revoke(limited)
  t.equal(await visit(forgetful, site, leaf, [limited]), 'certificate_revoked')
})
