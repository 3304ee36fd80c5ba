/** The session shows whether a client has sent a certificate. If it cannot be read, the client is not taken for anonymous. */
import type { TLSSocket } from 'node:tls'
import t from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate } from '../../lib/tls/gate.js'
import { peerCertificateOf } from '../../lib/tls/peer-certificate.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { makeSite } from '../support/mutual-tls.js'

/** A socket whose session is what the test says. */
function withSession (session: Buffer | undefined): TLSSocket {
  return { getSession: () => session } as unknown as TLSSocket
}

for (const [title, hex] of [
  ['is cut short', '30820fff'],
  ['is not a SEQUENCE', '04030201 01'],
  ['has another version', '3003020102'],
  ['has a version of another length', '300402020001'],
  ['has data after it', '3003020101 00'],
  ['has an element that is cut short', '3006020101a3ff00']
] as const) {
  t.test(`a session that ${title} is not taken for one without a certificate, and none of it is kept`, async (t) => {
    const session = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    t.throws(() => peerCertificateOf(withSession(session)), /session of the handshake cannot be read/)
    t.ok(session.every((byte) => byte === 0))
  })
}

t.test('a session without a certificate shows none', async (t) => {
  t.equal(peerCertificateOf(withSession(Buffer.from('3003020101', 'hex'))), undefined)
})

t.test('with verify=optional, a client whose session cannot be read is rejected', async (t) => {
  const site = await makeSite(t)
  const endpoint = parseEndpoint(`${site.endpoint()}:verify=optional`) as TlsEndpoint
  const gate = new Gate(endpoint, await loadCredentials(endpoint))
  t.match(gate.judge(withSession(undefined), gate.rules), { admitted: false, reason: 'internal_error', detail: 'the handshake has no session' })
  t.match(gate.judge(withSession(Buffer.from('30820fff', 'hex')), gate.rules), { admitted: false, reason: 'internal_error' })
  t.match(gate.judge(withSession(Buffer.from('3003020101', 'hex')), gate.rules), { admitted: true, certificate: undefined })
})

t.test('a client whose certificate cannot be parsed is rejected, and the log shows no certificate', async (t) => {
  const site = await makeSite(t)
  const endpoint = parseEndpoint(site.endpoint()) as TlsEndpoint
  const gate = new Gate(endpoint, await loadCredentials(endpoint))
  const socket = Object.assign(withSession(Buffer.from('3007020101a3020500', 'hex')), { _handle: { verifyError: () => ({ code: 'CERT_HAS_EXPIRED' }) } })
  t.match(gate.judge(socket, gate.rules), { admitted: false, reason: 'certificate_expired', certificate: undefined })
})
