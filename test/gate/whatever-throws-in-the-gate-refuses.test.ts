import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate } from '../../lib/tls/gate.js'
import { alpnList, runHandshake } from '../../lib/tls/handshake.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, connectTls, makeSite } from '../support/mutual-tls.js'
import type { Admission } from '../../lib/tls/verdict.js'

t.test('an error in the gate rejects the client, in the handshake and later', async (t) => {
  const site = await makeSite(t)
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  let broken = false
  const revocations = {
    get set () {
      if (broken) throw new Error('out of order')
      return new RevocationSet({ entries: [], loadedAt: new Date() })
    }
  }
  const gate = new Gate(endpoint, { authorities: credentials.authorities, revocations })
  const admissions: Admission[] = []
  const reasons: string[] = []
  const server = createServer((raw) => {
    runHandshake(raw, { credentials: () => credentials, ticketKeys, gate, alpn: alpnList(['http/1.1']), timeout: 10 }, {
      admitted: (socket, admission) => { admissions.push(admission); socket.end() },
      refused: ({ reason, detail }) => { reasons.push(`${reason}: ${detail}`) },
      failed: () => {}
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const alice = await connectTls(port, asClient(site, site.alice))
  await once(alice.resume(), 'close')
  broken = true
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'internal_error')
  t.same(reasons, ['internal_error: out of order'])
  t.match(gate.reconsider(admissions[0] as Admission), { admitted: false, reason: 'internal_error' })
})
