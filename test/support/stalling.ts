/** Clients that stall after their hello, while good clients are served. */
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect, createSecureContext, type SecureContext } from 'node:tls'
import type { Test } from 'tap'
import type { EndpointServer } from '../../lib/index.js'
import { asClient, get, makeSite, startApp, type Site } from './mutual-tls.js'
import type { Issued } from './pki.js'

/** Many times the limit of pending handshakes. Set the variable to try more. */
export const CLIENTS = Number(process.env['STALLED_CLIENTS'] ?? 600)
const AT_A_TIME = 40
export const HANDSHAKES = 100

export interface Stall {
  readonly who: 'alice' | 'mallory'
  readonly alpn?: 'h2'
  /** Bytes at the end of the second flight that are held back. */
  readonly short?: number
  /** How many connections there may be in the end. */
  readonly most: number
}

/** A client that does its handshake as far as it may, and nothing more. */
async function stall (port: number, { alpn, short = 0 }: Stall, secureContext: SecureContext): Promise<Socket> {
  const raw = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(raw.on('error', () => {}), 'connect')
  let answered = false
  let sent: () => void = () => {}
  const flight = new Promise<void>((resolve) => { sent = resolve })
  const between = new Duplex({
    read () {},
    write (bytes: Buffer, _encoding, done) {
      raw.write(answered ? bytes.subarray(0, bytes.length - short) : bytes)
      if (answered) sent()
      done()
    }
  })
  between.on('error', () => {})
  raw.on('data', (bytes: Buffer) => {
    answered = true
    between.push(bytes)
  }).once('close', sent)
  connect({ socket: between, secureContext, servername: 'localhost', ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }) }).on('error', () => {})
  await flight
  return raw
}

function contextOf (site: Site, { chain, key }: Issued): SecureContext {
  return createSecureContext({ ca: site.ca.certificate, cert: chain, key, minVersion: 'TLSv1.3' })
}

/** Asserts that good clients are served while many others stall, and that the limit of connections holds. */
export async function holdUnder (t: Test, each: Stall): Promise<void> {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { app, port } = await startApp(t, `${site.endpoint()}:backlog=511:alpn=h2+http/1.1`, undefined, { plugin: { maxHandshakes: HANDSHAKES } })
  const { clientConnections } = app.server as unknown as EndpointServer
  const context = contextOf(site, site[each.who])
  const stalled: Socket[] = []
  t.teardown(() => { for (const socket of stalled) socket.destroy() })
  let most = 0
  while (stalled.length < CLIENTS) {
    stalled.push(...await Promise.all(Array.from({ length: AT_A_TIME }, () => stall(port, each, context))))
    t.equal((await get(port, asClient(site, site.alice))).status, 200)
    most = Math.max(most, clientConnections.size)
  }
  t.ok(most <= each.most + AT_A_TIME, `${most} connections at the most`)
}
