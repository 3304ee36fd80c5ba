/** A gate on a port, without an app. Only the test changes its rules. */
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { connect, TLSSocket, type ConnectionOptions } from 'node:tls'
import type { Test } from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { RevocationSet } from '../../lib/revocation/set/revocation-set.js'
import { loadCredentials } from '../../lib/tls/credentials.js'
import { Gate, type GateOptions } from '../../lib/tls/gate.js'
import { alpnList, runHandshake } from '../../lib/tls/handshake.js'
import { TicketKeys } from '../../lib/tls/ticket-keys.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import type { Site } from './mutual-tls.js'
import type { Issued } from './pki.js'
import type { Verdict } from '../../lib/tls/verdict.js'

export interface OpenGate {
  readonly port: number
  readonly gate: Gate
  readonly clock: { now: number }
  readonly revocations: { set: RevocationSet }
  /** Connects a client; gives the verdict, the session ticket, and whether the handshake resumed a session. */
  visit (options: ConnectionOptions): Promise<{ verdict: Verdict, session: Buffer | undefined, isResumed: boolean }>
  /** Puts a set that revokes these in force. The ticket keys stay what they are, unless `renew` is called. */
  revoke (...revoked: readonly Issued[]): void
  /** Makes all tickets worthless, as a change of the rules does in an endpoint. */
  renew (): void
}

/** How often this process asked Node.js for a chain. */
export const asked = { chain: 0 }
const original = TLSSocket.prototype.getPeerX509Certificate
TLSSocket.prototype.getPeerX509Certificate = function (this: TLSSocket) {
  asked.chain++
  return original.call(this)
}

/** @param extra arguments in addition to those of the site's own endpoint */
export async function openGate (t: Test, site: Site, extra = '', options: Partial<GateOptions> = {}): Promise<OpenGate> {
  const endpoint = parseEndpoint(site.endpoint() + extra) as TlsEndpoint
  const credentials = await loadCredentials(endpoint)
  const ticketKeys = new TicketKeys()
  const clock = { now: Date.now() }
  const revocations = { set: setOf() }
  const gate = new Gate(endpoint, { authorities: credentials.authorities, revocations, now: () => clock.now, ...options })
  let tell = (_verdict: Verdict): void => {}
  const server = createServer((raw) => {
    runHandshake(raw, { credentials: () => credentials, ticketKeys, gate, alpn: alpnList(['http/1.1']), timeout: 60 }, {
      admitted: (socket, admission) => {
        tell(admission)
        socket.on('error', () => {}).once('data', () => { socket.end('goodbye') })
      },
      refused: (refusal) => { tell(refusal) },
      failed: () => {}
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { server.close() })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    gate,
    clock,
    revocations,
    visit: async (options) => {
      const told = new Promise<Verdict>((resolve) => { tell = resolve })
      let session: Buffer | undefined
      const client = connect({ host: '127.0.0.1', port, ...options }).resume()
      client.on('session', (ticket) => { session = ticket })
      let isResumed = false
      client.on('secureConnect', () => {
        isResumed = client.isSessionReused()
        client.write('hello')
      })
      // The alert: during the handshake of TLS 1.2, and after that of TLS 1.3.
      client.on('error', () => {})
      await new Promise((resolve) => { client.once('close', resolve) })
      return { verdict: await told, session, isResumed }
    },
    revoke: (...revoked) => {
      revocations.set = setOf(...revoked)
      gate.changeRules()
    },
    renew: () => {
      ticketKeys.renew([credentials.context])
      ticketKeys.apply(credentials.context)
    }
  }
}

export function setOf (...revoked: readonly Issued[]): RevocationSet {
  return new RevocationSet({ entries: revoked.map(({ der }) => ({ kind: 'tbs', value: identifyCertificate(der).tbs, source: {} })), loadedAt: new Date() })
}
