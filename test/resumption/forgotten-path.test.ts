/**
 * Of a resumed session only the leaf is known. Where the path of its full handshake is forgotten, the
 * client is admitted (its ticket was made under the rules in force), until the rules change.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/revocation/identity.js'
import { RevocationSet } from '../../lib/revocation/revocation-set.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate, type Admission } from '../../lib/tls/gate.js'
import { shakeHands } from '../../lib/tls/handshake.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { alertIn } from '../support/alerts.js'
import { asClient, connectTls, makeSite } from '../support/mutual-tls.js'

t.test('a resumed session without a remembered path is good until the rules change, or its certificate ends', async (t) => {
  const site = await makeSite(t)
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  const clock = { now: Date.now() }
  const revocations = { set: new RevocationSet({ entries: [], loadedAt: new Date() }) }
  const gate = new Gate(endpoint, { authorities: credentials.authorities, revocations, remember: 1, now: () => clock.now })
  const admissions: Admission[] = []
  const reasons: string[] = []
  let onHandshake = (): void => {}
  const server = createServer((raw) => {
    shakeHands(raw, { credentials: () => credentials, ticketKeys, gate, alpn: ['http/1.1'], timeout: 10 }, {
      admitted: (socket, admission) => {
        admissions.push(admission)
        socket.once('data', () => { socket.end('goodbye') })
      },
      refused: ({ reason }) => { reasons.push(reason) },
      failed: () => {}
    })
    onHandshake()
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const visit = async (options: ConnectionOptions): Promise<Buffer> => {
    const socket = connect({ host: '127.0.0.1', port, ...options }).resume()
    const closed = once(socket, 'close')
    const ticket = once(socket, 'session')
    await once(socket, 'secureConnect')
    socket.write('hello')
    const [session] = await ticket as [Buffer]
    await closed
    return session
  }

  const session = await visit(asClient(site, site.alice))
  await visit(asClient(site, site.mallory))
  const resumed = await connectTls(port, { ...asClient(site, site.alice), session })
  t.ok(resumed.isSessionReused())
  resumed.write('hello')
  await once(resumed.resume(), 'close')
  const admission = admissions.at(-1) as Admission
  t.equal(admission.paths, undefined, 'the path is forgotten')
  t.match(gate.reconsider(admission), { admitted: true }, 'good under the rules that it was made under')

  const { now } = clock
  clock.now = Date.parse(site.alice.x509.validTo) + 1
  t.match(gate.reconsider(admission), { admitted: false, reason: 'certificate_expired' })
  clock.now = now
  gate.changeRules()
  t.match(gate.reconsider(admission), { admitted: false, reason: 'certificate_unknown' })
  t.match(gate.reconsider(admissions[0] as Admission), { admitted: true }, 'with its paths it goes on')

  // Here the ticket keys stay what they were, so that a session is resumed across a change of the rules.
  revocations.set = new RevocationSet({ entries: [{ kind: 'tbs', value: identifyCertificate(site.alice.der).tbs, source: {} }], loadedAt: new Date() })
  const late = connect({ host: '127.0.0.1', port, ...asClient(site, site.alice), session })
  const [error] = await once(late, 'error')
  t.equal(alertIn(error), 'certificate_revoked', 'the leaf is looked up')

  revocations.set = new RevocationSet({ entries: [], loadedAt: new Date() })
  onHandshake = () => gate.changeRules()
  const between = connect({ host: '127.0.0.1', port, ...asClient(site, site.alice), session })
  const [refused] = await once(between, 'error')
  t.equal(alertIn(refused), 'certificate_unknown', 'the rules changed between its hello and its verdict')
  t.same(reasons, ['certificate_revoked', 'certificate_unknown'])
})
