/**
 * The session of a handshake holds the certificate of the client, before any verdict and whatever
 * OpenSSL says of it: {TLS 1.2, 1.3} × {full, resumed} × {none, alone, with a chain, expired, of a stranger}.
 */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, createSecureContext, TLSSocket } from 'node:tls'
import t from 'tap'
import { peerCertificateOf } from '../../lib/tls/peer-certificate.js'
import { releaseSocket } from '../../lib/tls/undocumented.js'
import { asClient, makeSite } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`the session shows the certificate (${version})`, async (t) => {
    const site = await makeSite(t)
    const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
    const below = await intermediate.issue({ name: 'below', usage: 'client' })
    const clients = [
      undefined, site.alice, below, { ...below, chain: below.certificate },
      await site.ca.issue({ name: 'late', usage: 'client', notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }),
      await (await createAuthority({ name: 'Elsewhere' })).issue({ name: 'stranger', usage: 'client' })
    ]
    const context = createSecureContext({ cert: site.server.chain, key: site.server.key, ca: site.ca.certificate, sessionIdContext: 'test' })
    let seen: { der: Buffer | undefined, subject: string | undefined, resumed: boolean } | undefined
    const server = createServer((raw) => {
      const socket = new TLSSocket(raw, { isServer: true, secureContext: context, requestCert: true, rejectUnauthorized: false })
      socket.on('error', () => {}).once('secure', () => {
        const peer = peerCertificateOf(socket)
        seen = { der: peer?.der, subject: peer?.x509.subject, resumed: socket.isSessionReused() }
        releaseSocket(socket)
        socket.resume().end('goodbye')
      })
    }).listen(0, '127.0.0.1')
    t.teardown(() => { server.close() })
    await once(server, 'listening')
    for (const client of clients) {
      let session: Buffer | undefined
      for (const resumed of [false, true]) {
        const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...asClient(site, client), minVersion: version, maxVersion: version, session })
        socket.on('session', (ticket) => { session = ticket }).resume()
        await once(socket, 'close')
        t.same(seen, { der: client?.der, subject: client?.x509.subject, resumed })
        seen = undefined
      }
    }
  })
}
