/**
 * A rejected chain of 111 certificates leaves no memory behind, and a chain that is inspected no more than the budget.
 * Node leaks 0.5 to 1 MB each time it is asked for such a chain.
 */
import { createSecureContext, type SecureContext } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { ChainBudget } from '../../lib/tls/sent-intermediates.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { asked, openGate } from '../support/open-gate.js'
import { createAuthority, generateKeyPair, type Issued } from '../support/pki.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

t.setTimeout(300_000)

const MEGABYTE = 1024 * 1024
const VISITS = 60
/** Until compilation and pools have settled. */
const WARM_UP = 30
/** Of the 30 to 60 that a leak would leave. */
const MOST_GROWTH = 18 * MEGABYTE

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${VISITS} rejected chains of 111 certificates leave no memory behind (${version})`, async (t) => {
    const site = await makeSite(t)
    const budget = new ChainBudget(2 * MEGABYTE)
    const open = await openGate(t, site, '', { budget })
    const stranger = await createAuthority({ name: 'Stranger' })
    const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
    const revoked = await intermediate.issue({ name: 'revoked', usage: 'client' })
    open.revoke(revoked)
    const junk = Array.from({ length: 109 }, () => stranger.certificate).join('')
    const contextOf = (leaf: Issued, issuer: Issued): SecureContext =>
      createSecureContext({ ca: site.ca.certificate, cert: leaf.certificate + issuer.certificate + junk, key: leaf.key, minVersion: version, maxVersion: version })
    const visitors = [
      { reason: 'unknown_ca', secureContext: contextOf(await stranger.issue({ name: 'stranger', usage: 'client' }), stranger) },
      { reason: 'certificate_revoked', secureContext: contextOf(revoked, intermediate) }
    ]
    const visitAll = async (count: number): Promise<void> => {
      for (let visit = 0; visit < count; visit++) {
        const { reason, secureContext } = visitors[visit % visitors.length] as typeof visitors[number]
        const { verdict } = await open.visit({ servername: 'localhost', secureContext })
        if (verdict.admitted || verdict.reason !== reason) t.fail(`not refused as ${reason}`)
      }
      collect()
    }
    const looks = asked.chain
    await visitAll(WARM_UP)
    const before = process.memoryUsage().rss
    await visitAll(VISITS)
    const growth = process.memoryUsage().rss - before
    t.ok(growth < MOST_GROWTH, `${(growth / MEGABYTE).toFixed(1)} MB`)
    t.equal(asked.chain, looks)
    t.equal(budget.lost, 0)
    t.comment(`${(growth / MEGABYTE).toFixed(1)} MB after ${VISITS} refusals`)
  })
}

t.test(`${VISITS} clients with chains of 111 certificates that OpenSSL accepts use no more memory than the budget`, async (t) => {
  const site = await makeSite(t)
  const budget = new ChainBudget(5 * MEGABYTE)
  const open = await openGate(t, site, '', { budget })
  // It comes after all certificates that are read, so it is never known.
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const junk = await createAuthority({ name: 'Junk' })
  const chain = Array.from({ length: 109 }, () => junk.certificate).join('') + intermediate.certificate
  const keyPair = await generateKeyPair()
  const leaves = await Promise.all(Array.from({ length: WARM_UP + VISITS }, () => intermediate.issue({ name: 'client', usage: 'client', keyPair })))
  const visitAll = async (clients: readonly Issued[]): Promise<void> => {
    for (const { certificate, key } of clients) {
      await open.visit(asClient(site, { chain: certificate + chain, key }))
      // The context of each client of this test holds a copy of its chain.
      collect()
    }
  }
  await visitAll(leaves.slice(0, WARM_UP))
  t.ok(budget.lost >= budget.most, 'the budget is used up')
  const { lost } = budget
  const before = process.memoryUsage().rss
  await visitAll(leaves.slice(WARM_UP))
  const growth = process.memoryUsage().rss - before
  t.ok(growth < MOST_GROWTH, `${(growth / MEGABYTE).toFixed(1)} MB`)
  t.equal(budget.lost, lost)
  t.comment(`${(growth / MEGABYTE).toFixed(1)} MB after ${VISITS} clients`)
})
