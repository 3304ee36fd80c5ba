/**
 * Node leaks memory for each certificate of a sent chain that it returns. So the gate asks for a chain only if nothing
 * else leads to an authority, once for each client, and within a budget.
 */
import t from 'tap'
import { ChainBudget } from '../../lib/tls/sent-intermediates.js'
import { asClient, makeSite, type Site } from '../support/mutual-tls.js'
import { asked, openGate, type OpenGate } from '../support/open-gate.js'
import { createAuthority, element, Extension, generateKeyPair, type Authority, type Issued } from '../support/pki.js'

const MINUTE = 60_000
const YEAR = 365 * 24 * 60 * MINUTE

/** How often Node is asked for a chain in a visit, and what the gate says. */
async function visit (open: OpenGate, site: Site, leaf: Issued, sent: readonly Issued[] = []): Promise<{ looks: number, verdict: string }> {
  const before = asked.chain
  const { verdict } = await open.visit(asClient(site, { chain: [leaf, ...sent].map(({ certificate }) => certificate).join(''), key: leaf.key }))
  return { looks: asked.chain - before, verdict: verdict.admitted ? 'admitted' : verdict.reason }
}

function client (issuer: Authority): Promise<Issued> {
  return issuer.issue({ name: 'client', usage: 'client' })
}

t.test('the gate does not inspect the chain of a client that is rejected, remembered, or has a path among the authorities', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const stranger = await createAuthority({ name: 'Stranger' })
  const below = await createAuthority({ name: 'Below', issuer: stranger })
  t.same(await visit(open, site, await client(below), [below, stranger]), { looks: 0, verdict: 'unknown_ca' }, 'a stranger')
  t.same(await visit(open, site, site.alice, [below, stranger]), { looks: 0, verdict: 'admitted' }, 'the path is among the authorities')
  t.same(await visit(open, site, site.alice, [site.ca]), { looks: 0, verdict: 'admitted' }, 'remembered')
  open.revoke(site.alice)
  t.same(await visit(open, site, site.alice, [below, stranger]), { looks: 0, verdict: 'certificate_revoked' }, 'revoked')
  const expired = await site.ca.issue({ name: 'late', usage: 'client', notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') })
  t.same(await visit(open, site, expired, [site.ca]), { looks: 0, verdict: 'certificate_expired' }, 'expired')
  t.equal(open.gate.budget.lost, 0)
})

t.test('the gate inspects the chain of only the first client of an intermediate, whatever the others send and whatever changes', async (t) => {
  const site = await makeSite(t)
  const budget = new ChainBudget()
  const open = await openGate(t, site, '', { budget })
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const [first, second] = [await client(intermediate), await client(intermediate)]
  t.same(await visit(open, site, first, [intermediate, site.ca]), { looks: 1, verdict: 'admitted' })
  const { lost } = budget
  t.ok(lost >= intermediate.der.length + site.ca.der.length)
  t.same(await visit(open, site, second, [intermediate, site.ca]), { looks: 0, verdict: 'admitted' })
  for (let swap = 0; swap < 3; swap++) {
    open.revoke(site.mallory)
    t.same(await visit(open, site, first, [intermediate, site.ca]), { looks: 0, verdict: 'admitted' })
  }
  t.equal(budget.lost, lost)
})

t.test('the chain of a client of a revoked intermediate is inspected once under the same rules, and under new rules after some time', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const keyPair = await generateKeyPair()
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
  const crossed = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
  const leaf = await client(intermediate)
  open.revoke(intermediate)
  t.same(await visit(open, site, leaf, [intermediate]), { looks: 1, verdict: 'certificate_revoked' })
  t.same(await visit(open, site, leaf, [crossed]), { looks: 0, verdict: 'certificate_revoked' }, 'under the same rules')
  open.revoke(intermediate)
  t.same(await visit(open, site, leaf, [crossed]), { looks: 0, verdict: 'certificate_revoked' }, 'under other rules, but at once')
  open.clock.now += MINUTE
  t.same(await visit(open, site, leaf, [intermediate]), { looks: 1, verdict: 'certificate_revoked' })
  open.revoke(intermediate)
  open.clock.now += MINUTE
  t.same(await visit(open, site, leaf, [crossed]), { looks: 0, verdict: 'certificate_revoked' }, 'the time has doubled')
  open.clock.now += MINUTE
  t.same(await visit(open, site, leaf, [crossed]), { looks: 1, verdict: 'admitted' }, 'another certificate of its authority uses its quarter')
  t.same(await visit(open, site, await client(intermediate), [intermediate]), { looks: 0, verdict: 'admitted' }, 'and so do all others of that authority')
})

t.test('above the budget, only clients of unknown intermediates are rejected', async (t) => {
  const site = await makeSite(t)
  let told = 0
  const budget = new ChainBudget(1)
  const open = await openGate(t, site, '', { budget, onExhausted: () => { told++ } })
  const [one, other] = [await createAuthority({ name: 'One', issuer: site.ca }), await createAuthority({ name: 'Other', issuer: site.ca })]
  t.same(await visit(open, site, await client(one), [one]), { looks: 1, verdict: 'admitted' })
  t.same(await visit(open, site, await client(other), [other]), { looks: 0, verdict: 'unknown_ca' })
  t.equal(told, 1)
  const { verdict } = await open.visit(asClient(site, await client(other)))
  t.match(verdict, { detail: /add them to authorities/, certificate: { subject: 'CN=client' } })
  t.same(await visit(open, site, await client(one), [one]), { looks: 0, verdict: 'admitted' })
  t.same(await visit(open, site, site.alice), { looks: 0, verdict: 'admitted' })
  t.ok(budget.lost < 50 * 2 * one.der.length, 'no more memory is leaked')
})

t.test('the clients of a revoked intermediate use at most a quarter of the budget', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const budget = new ChainBudget(50 * intermediate.der.length * 12)
  const open = await openGate(t, site, '', { budget })
  open.revoke(intermediate)
  const visits = []
  for (let attempt = 0; attempt < 8; attempt++) visits.push(await visit(open, site, await client(intermediate), [intermediate]))
  t.same(visits.map(({ looks }) => looks), [1, 1, 1, 1, 0, 0, 0, 0], 'the first of them counts for the rest of the budget')
  t.ok(visits.every(({ verdict }) => verdict === 'certificate_revoked'))
  const other = await createAuthority({ name: 'Other', issuer: site.ca })
  t.same(await visit(open, site, await client(other), [other]), { looks: 1, verdict: 'admitted' })
})

t.test('a client of a revoked intermediate gets certificate_revoked even if the budget is used up', async (t) => {
  const site = await makeSite(t)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const budget = new ChainBudget(1)
  const open = await openGate(t, site, '', { budget })
  await visit(open, site, await client(intermediate), [intermediate])
  open.revoke(intermediate)
  t.same(await visit(open, site, await client(intermediate), [intermediate]), { looks: 0, verdict: 'certificate_revoked' })
})

t.test('the gate remembers the last used intermediates up to the limit, and those of a remembered client', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site, '', { rememberIntermediates: 1 })
  const [one, other] = [await createAuthority({ name: 'One', issuer: site.ca }), await createAuthority({ name: 'Other', issuer: site.ca })]
  const first = await client(one)
  t.same(await visit(open, site, first, [one]), { looks: 1, verdict: 'admitted' })
  t.same(await visit(open, site, await client(other), [other]), { looks: 1, verdict: 'admitted' })
  open.revoke()
  t.same(await visit(open, site, first, [one]), { looks: 0, verdict: 'admitted' }, 'with its own remembered intermediates')
  t.same(await visit(open, site, await client(other), [other]), { looks: 1, verdict: 'admitted' })
})

t.test('an expired intermediate is forgotten, and the chain of a client with the renewed one is inspected', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const keyPair = await generateKeyPair()
  const old = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair, notAfter: new Date(Date.now() + 60 * MINUTE) })
  const renewed = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
  const leaf = await client(old)
  t.same(await visit(open, site, leaf, [old]), { looks: 1, verdict: 'admitted' })
  open.clock.now += 120 * MINUTE
  t.same(await visit(open, site, await client(old), [renewed]), { looks: 1, verdict: 'admitted' })
  t.same(await visit(open, site, leaf, [renewed]), { looks: 0, verdict: 'admitted' })
  open.clock.now += 2 * YEAR
  t.same(await visit(open, site, leaf, [renewed]), { looks: 0, verdict: 'certificate_expired' })
})

t.test('a too large intermediate is not remembered', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const large = await createAuthority({ name: 'Large', issuer: site.ca, extensions: [new Extension('1.2.3.4', false, Buffer.alloc(65_536))] })
  for (const looks of [1, 1]) t.same(await visit(open, site, await client(large), [large]), { looks, verdict: 'admitted' })
})

t.test('a remembered intermediate with name constraints does not admit a client that may use another path', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const keyPair = await generateKeyPair()
  // RFC 5280 section 4.2.1.10: permittedSubtrees with one dNSName.
  const constraints = new Extension('2.5.29.30', true, element(0x30, element(0xa0, element(0x30, element(0x82, Buffer.from('example.org'))))))
  const limited = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair, extensions: [constraints] })
  const free = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyPair })
  const inside = await limited.issue({ name: 'inside', usage: 'client', dnsNames: ['a.example.org'] })
  const outside = await limited.issue({ name: 'outside', usage: 'client', dnsNames: ['a.example.com'] })
  t.same(await visit(open, site, inside, [limited]), { looks: 1, verdict: 'admitted' })
  open.revoke(free)
  t.same(await visit(open, site, outside, [free]), { looks: 1, verdict: 'certificate_revoked' })
  t.same(await visit(open, site, outside, [free, limited]), { looks: 0, verdict: 'certificate_revoked' })
})

for (const [title, length, verdict] of [['within the first 64', 62, 'admitted'], ['after the first 64', 64, 'unknown_ca']] as const) {
  t.test(`only the first 64 certificates of a long chain are inspected: an intermediate ${title}`, async (t) => {
    const site = await makeSite(t)
    const budget = new ChainBudget()
    const open = await openGate(t, site, '', { budget })
    const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
    const junk = await createAuthority({ name: 'Junk' })
    t.same(await visit(open, site, await client(intermediate), [...Array.from({ length }, () => junk), intermediate, junk]), { looks: 1, verdict })
    t.ok(budget.lost >= 50 * length * junk.der.length, 'and all of it counts for the budget')
  })
}

t.test('twins of an intermediate are not all inspected', async (t) => {
  const site = await makeSite(t)
  const open = await openGate(t, site)
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca, keyIdentifiers: false })
  const twins = await Promise.all(Array.from({ length: 8 }, () => createAuthority({ name: 'Intermediate', keyIdentifiers: false })))
  const leaf = await intermediate.issue({ name: 'client', usage: 'client', keyIdentifiers: false })
  t.same(await visit(open, site, leaf, [intermediate, ...twins]), { looks: 1, verdict: 'admitted' })
})
