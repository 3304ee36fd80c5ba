/**
 * A resumed session only has its leaf. If the path of its full handshake is forgotten, the
 * client is admitted (its ticket was made under the rules in force). When the rules change, it needs a path that can be
 * found without the certificates that it sent.
 */
import { connect } from 'node:tls'
import t from 'tap'
import type { Admission } from '../../lib/tls/verdict.js'
import { alertIn } from '../support/alerts.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { openGate } from '../support/open-gate.js'
import { createAuthority } from '../support/pki.js'
import { Relay } from '../support/relay.js'

t.test('a resumed session without a remembered path is valid until its certificate expires', async (t) => {
  const site = await makeSite(t)
  const { gate, clock, visit } = await openGate(t, site, '', { remember: 1 })
  const alice = asClient(site, site.alice)
  const { verdict: first, session } = await visit(alice)
  await visit(asClient(site, site.mallory))
  const { verdict } = await visit({ ...alice, session })
  const admission = verdict as Admission
  t.equal(admission.paths, undefined, 'the path is forgotten')
  t.match(gate.reconsider(admission), { admitted: true })
  const { now } = clock
  clock.now = Date.parse(site.alice.x509.validTo) + 1
  t.match(gate.reconsider(admission), { admitted: false, reason: 'certificate_expired' })
  clock.now = now
  gate.changeRules()
  t.match(gate.reconsider(first as Admission), { admitted: true }, 'with its paths the session continues')
})

t.test('when the rules change, it stays if the rules admit a path through the authorities', async (t) => {
  const site = await makeSite(t)
  const { gate, visit, revoke } = await openGate(t, site, '', { remember: 1 })
  const { session } = await visit(asClient(site, site.alice))
  await visit(asClient(site, site.mallory))
  const admission = (await visit({ ...asClient(site, site.alice), session })).verdict as Admission
  gate.changeRules()
  t.match(gate.reconsider(admission), { admitted: true, paths: [{}] })
  revoke(site.alice)
  t.match(gate.reconsider(admission), { admitted: false, reason: 'certificate_revoked' })
})

t.test('when the rules change, it ends if its intermediate is forgotten and not among the authorities', async (t) => {
  const site = await makeSite(t)
  const { gate, visit } = await openGate(t, site, '', { remember: 1, rememberIntermediates: 1 })
  const [leaf, another] = await Promise.all(['One', 'Another'].map(async (name) =>
    await (await createAuthority({ name, issuer: site.ca })).issue({ name: 'client', usage: 'client' })))
  const { session } = await visit(asClient(site, leaf))
  await visit(asClient(site, another))
  const admission = (await visit({ ...asClient(site, leaf), session })).verdict as Admission
  t.equal(admission.paths, undefined)
  gate.changeRules()
  t.match(gate.reconsider(admission), { admitted: false, reason: 'certificate_unknown', detail: 'the path of a resumed session is not known' })
})

t.test('a client with a forgotten, revoked certificate is refused, even with an older ticket', async (t) => {
  const site = await makeSite(t)
  const { visit, revoke } = await openGate(t, site, '', { remember: 1 })
  const { session } = await visit(asClient(site, site.alice))
  await visit(asClient(site, site.mallory))
  // Here the ticket keys do not change, so that a session is resumed across a change of the rules.
  revoke(site.alice)
  t.match((await visit({ ...asClient(site, site.alice), session })).verdict, { admitted: false, reason: 'certificate_revoked' })
})

for (const [revoked, answer] of [[false, 'goodbye'], [true, 'certificate_revoked']] as const) {
  t.test(`the rules change while a forgotten client resumes: ${answer}`, async (t) => {
    const site = await makeSite(t)
    const { port, visit, revoke } = await openGate(t, site, '', { remember: 1 })
    const { session } = await visit(asClient(site, site.alice))
    await visit(asClient(site, site.mallory))
    const relay = await Relay.open(t, port, { flights: 1 })
    const socket = connect({ host: '127.0.0.1', port: relay.port, ...asClient(site, site.alice), session })
    const seen = new Promise<string>((resolve) => {
      socket.once('data', (data) => { resolve(String(data)) }).once('error', (error) => { resolve(alertIn(error)) })
    })
    socket.once('secureConnect', () => { socket.write('hello') })
    await relay.held
    revoke(revoked ? site.alice : site.mallory)
    relay.release()
    t.equal(await seen, answer)
    socket.destroy()
  })
}
