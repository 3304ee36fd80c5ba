/**
 * A rule with an issuer depends on the path of a client, and a resumed session does not show that. If it is not remembered
 * either, the client has the same roles as before, or it must make a full handshake.
 */
import t from 'tap'
import { AllowedSet } from '../../lib/allowed/allowed-set.js'
import { parseRule } from '../../lib/allowed/rule.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { openGate, setOf } from '../support/open-gate.js'
import { createAuthority, type Authority } from '../support/pki.js'

const spkiOf = ({ der }: Authority): string => identifyCertificate(der).spki
const rulesInForce = (...rules: string[]) => ({ set: setOf(), allowed: AllowedSet.of(rules.map((rule, index) => parseRule(rule, index + 1))) })

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }

  t.test(`${version}: it has the roles of a rule with the issuer of its path`, async (t) => {
    const site = await makeSite(t)
    const revocations = rulesInForce('cn:alice role=reader', `cn:alice issuer=${spkiOf(site.ca)} role=admin`, 'cn:mallory')
    const { visit } = await openGate(t, site, '', { remember: 1, revocations })
    const alice = { ...asClient(site, site.alice), ...only }
    const { verdict: first, session } = await visit(alice)
    t.match(first, { admitted: true, roles: ['reader', 'admin'] })
    await visit(asClient(site, site.mallory))
    const { verdict, isResumed } = await visit({ ...alice, session })
    t.ok(isResumed)
    t.match(verdict, { admitted: true, roles: ['reader', 'admin'] })
  })

  t.test(`${version}: it is refused if a rule with an issuer matches it and its intermediate is forgotten, until its next full handshake`, async (t) => {
    const site = await makeSite(t)
    const [issuer, other] = await Promise.all(['One', 'Another'].map((name) => createAuthority({ name, issuer: site.ca }))) as [Authority, Authority]
    const [leaf, another] = await Promise.all([issuer, other].map((ca, at) => ca.issue({ name: `client-${at}`, usage: 'client' })))
    const revocations = rulesInForce('cn:client-0 role=reader', `cn:client-0 issuer=${spkiOf(issuer)} role=admin`, 'cn:client-1')
    const { visit } = await openGate(t, site, '', { remember: 1, rememberIntermediates: 1, revocations })
    const client = { ...asClient(site, leaf), ...only }
    const { session } = await visit(client)
    t.match((await visit(asClient(site, another))).verdict, { admitted: true })
    t.match((await visit({ ...client, session })).verdict, { admitted: false, reason: 'certificate_unknown', detail: 'the path of a resumed session is not known' })
    t.match((await visit(client)).verdict, { admitted: true, roles: ['reader', 'admin'] })
  })

  t.test(`${version}: it is admitted without a path if no rule that matches it has an issuer`, async (t) => {
    const site = await makeSite(t)
    const revocations = rulesInForce('cn:alice role=reader', `cn:mallory issuer=${spkiOf(site.ca)}`)
    const { visit } = await openGate(t, site, '', { remember: 1, revocations })
    const alice = { ...asClient(site, site.alice), ...only }
    const { session } = await visit(alice)
    await visit(asClient(site, site.mallory))
    const { verdict, isResumed } = await visit({ ...alice, session })
    t.ok(isResumed)
    t.match(verdict, { admitted: true, roles: ['reader'], paths: undefined })
  })
}
