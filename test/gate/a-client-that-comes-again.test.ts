/** The gate remembers whom it has admitted: the next handshake costs less, and nothing is forgiven. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import t, { type Test } from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/revocation/identity.js'
import { RevocationSet } from '../../lib/revocation/revocation-set.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate, type Verdict } from '../../lib/tls/gate.js'
import { shakeHands } from '../../lib/tls/handshake.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { asClient, makeSite, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'

const HOUR = 3_600_000

interface OpenGate {
  readonly gate: Gate
  readonly clock: { now: number }
  readonly revocations: { set: RevocationSet }
  /** What the gate says of a visit, and the ticket that the visitor got. */
  visit (options: ConnectionOptions): Promise<{ verdict: Verdict, session: Buffer | undefined }>
}

async function openGate (t: Test, site: Site, verify = ''): Promise<OpenGate> {
  const endpoint = parseEndpoint(site.endpoint() + verify) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  const clock = { now: Date.now() }
  const revocations = { set: setOf() }
  const gate = new Gate(endpoint, { authorities: credentials.authorities, revocations, now: () => clock.now })
  let tell = (_verdict: Verdict): void => {}
  const server = createServer((raw) => {
    shakeHands(raw, { credentials: () => credentials, ticketKeys, gate, alpn: ['http/1.1'], timeout: 10 }, {
      admitted: (socket, admission) => {
        tell(admission)
        socket.once('data', () => { socket.end('goodbye') })
      },
      refused: (refusal) => { tell(refusal) },
      failed: () => {}
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    gate,
    clock,
    revocations,
    visit: async (options) => {
      const told = new Promise<Verdict>((resolve) => { tell = resolve })
      let session: Buffer | undefined
      const client = connect({ host: '127.0.0.1', port, ...options }).resume()
      client.on('session', (ticket) => { session = ticket })
      client.on('secureConnect', () => { client.write('hello') })
      // Of an alert, in the handshake of TLS 1.2 and behind it in that of TLS 1.3.
      client.on('error', () => {})
      await new Promise((resolve) => { client.once('close', resolve) })
      return { verdict: await told, session }
    }
  }
}

function setOf (...revoked: readonly Issued[]): RevocationSet {
  return new RevocationSet({ entries: revoked.map(({ der }) => ({ kind: 'tbs', value: identifyCertificate(der).tbs, source: {} })), loadedAt: new Date() })
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`${version}: who comes again is admitted as before`, async (t) => {
    const site = await makeSite(t)
    const { gate, visit } = await openGate(t, site)
    const alice = { ...asClient(site, site.alice), maxVersion: version }
    const { verdict: first, session } = await visit(alice)
    t.equal((await visit(alice)).verdict, first, 'with another full handshake')
    t.equal((await visit({ ...alice, session })).verdict, first, 'with a session')
    t.not((await visit({ ...asClient(site, site.mallory), maxVersion: version })).verdict, first, 'somebody else is somebody else')
    gate.changeRules()
    const { verdict } = await visit(alice)
    t.not(verdict, first, 'and under other rules all is looked at again')
    t.ok(verdict.admitted)
  })

  t.test(`${version}: a set counts for who comes again from the moment that it is there, though nobody tells of it`, async (t) => {
    const site = await makeSite(t)
    const { revocations, visit } = await openGate(t, site)
    const mallory = { ...asClient(site, site.mallory), maxVersion: version }
    const { verdict, session } = await visit(mallory)
    t.ok(verdict.admitted)
    revocations.set = setOf(site.mallory)
    t.match((await visit(mallory)).verdict, { admitted: false, reason: 'certificate_revoked' })
    t.match((await visit({ ...mallory, session })).verdict, { admitted: false, reason: 'certificate_revoked' })
  })

  t.test(`${version}: who comes again does not outlive an intermediate`, async (t) => {
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

t.test('who comes without a certificate is nobody who came before', async (t) => {
  const site = await makeSite(t)
  const { visit } = await openGate(t, site, ':verify=optional')
  await visit(asClient(site, site.alice))
  const { verdict } = await visit(asClient(site))
  t.match(verdict, { admitted: true, certificate: undefined })
})
