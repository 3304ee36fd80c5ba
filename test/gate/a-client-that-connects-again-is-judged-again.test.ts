/** The gate remembers admitted clients: their next handshake costs less, but skips no check. */
import t from 'tap'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { openGate, setOf } from '../support/open-gate.js'
import { createAuthority } from '../support/pki.js'

const HOUR = 3_600_000

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a client that connects again is admitted as before (${version})`, async (t) => {
    const site = await makeSite(t)
    const { gate, visit } = await openGate(t, site)
    const alice = { ...asClient(site, site.alice), maxVersion: version }
    const { verdict: first, session } = await visit(alice)
    t.equal((await visit(alice)).verdict, first, 'with another full handshake')
    t.equal((await visit({ ...alice, session })).verdict, first, 'with a session')
    t.not((await visit({ ...asClient(site, site.mallory), maxVersion: version })).verdict, first, 'another client is judged by itself')
    gate.changeRules()
    const { verdict } = await visit(alice)
    t.not(verdict, first, 'and under new rules everything is checked again')
    t.ok(verdict.admitted)
  })

  t.test(`a new set applies at once to a client that connects again, even without an event (${version})`, async (t) => {
    const site = await makeSite(t)
    const { revocations, visit } = await openGate(t, site)
    const mallory = { ...asClient(site, site.mallory), maxVersion: version }
    const { verdict, session } = await visit(mallory)
    t.ok(verdict.admitted)
    revocations.set = setOf(site.mallory)
    t.match((await visit(mallory)).verdict, { admitted: false, reason: 'certificate_revoked' })
    t.match((await visit({ ...mallory, session })).verdict, { admitted: false, reason: 'certificate_revoked' })
  })

  t.test(`a client that connects again is rejected once its intermediate has expired (${version})`, async (t) => {
    const site = await makeSite(t)
    const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca, notAfter: new Date(Date.now() + HOUR) })
    const leaf = await intermediate.issue({ name: 'client', usage: 'client', notAfter: new Date(Date.now() + 24 * HOUR) })
    const { clock, visit } = await openGate(t, site)
    const client = { ...asClient(site, { chain: leaf.certificate + intermediate.certificate, key: leaf.key }), maxVersion: version }
    const { verdict, session } = await visit(client)
    t.ok(verdict.admitted)
    clock.now += 2 * HOUR
    t.match((await visit({ ...client, session })).verdict, { admitted: false, reason: 'certificate_expired' }, 'with a session')
    t.match((await visit(client)).verdict, { admitted: false, reason: 'certificate_expired' }, 'with a full handshake')
  })
}

t.test('a client without a certificate is not taken for an earlier client', async (t) => {
  const site = await makeSite(t)
  const { visit } = await openGate(t, site, ':verify=optional')
  await visit(asClient(site, site.alice))
  const { verdict } = await visit(asClient(site))
  t.match(verdict, { admitted: true, certificate: undefined })
})
