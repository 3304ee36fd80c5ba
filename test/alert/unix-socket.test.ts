import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate } from '../../lib/tls/gate.js'
import { shakeHands } from '../../lib/tls/handshake.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { makeShortFolder } from '../support/unix-sockets.js'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`the alert arrives over a unix socket as well (${version})`, async (t) => {
    const site = await makeSite(t)
    await site.revoke('mallory.pem')
    const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
    const credentials = await loadCredentials(endpoint)
    const revocations = await RevocationWatcher.start({ file: site.path('revoked.txt') })
    t.teardown(() => revocations.close())
    const gate = new Gate(endpoint, { authorities: credentials.authorities, revocations })
    const refusals: string[] = []
    const server = createServer((raw) => {
      shakeHands(raw, { credentials: () => credentials, gate, alpn: ['http/1.1'], timeout: 10 }, {
        admitted: (socket) => { socket.end('served') },
        refused: ({ reason }) => { refusals.push(reason) },
        failed: (error) => { throw error ?? new Error('closed') }
      })
    })
    t.teardown(() => { server.close() })
    const path = join(makeShortFolder(t), 'tls.sock')
    server.listen(path)
    await once(server, 'listening')
    t.equal(await alertSeenByNode({ path }, { ...asClient(site, site.mallory), minVersion: version, maxVersion: version }), 'certificate_revoked')
    t.same(refusals, ['certificate_revoked'])
  })
}
