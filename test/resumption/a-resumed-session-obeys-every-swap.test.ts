/**
 * A client that the rules in force refuse is never served on a resumed session: {ticket of TLS 1.2, PSK of TLS
 * 1.3} × {what changes} × {ticket from before, from after a change of the rules} × {the change that
 * matters before, after the resumption}.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { asClient, connectTls, makeSite, putInForce, startApp, takeTicket, type RunningApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'

interface Change {
  readonly title: string
  readonly apply: (site: Site) => Promise<void>
  readonly refuses: boolean
}

const CHANGES: readonly Change[] = [
  { title: 'leaf revoked', apply: (site) => site.revoke('client.pem'), refuses: true },
  { title: 'intermediate revoked', apply: (site) => site.revoke('intermediate.pem'), refuses: true },
  { title: 'authority removed', apply: async (site) => { await writeFile(site.path('ca.pem'), site.ca.certificate) }, refuses: true },
  { title: 'credentials reloaded', apply: async (site) => { await site.write('server', await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })) }, refuses: false }
]

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const { title, apply, refuses } of CHANGES) {
    for (const ticketFrom of ['before', 'after'] as const) {
      t.test(`a resumed session obeys a change before the resumption: ${version}, ${title}, ticket from ${ticketFrom} another swap`, async (t) => {
        const { running, site, client } = await start(t, version)
        if (ticketFrom === 'after') await putInForce(running.app, () => site.revoke('mallory.pem'))
        const session = await takeTicket(running.port, client)
        await putInForce(running.app, () => apply(site))
        const { answer, reused } = await askAgain(running.port, { ...client, session })
        t.notOk(reused, 'the ticket is worthless')
        t.equal(answer, refuses ? '' : 'served')
      })

      t.test(`a resumed session obeys a change after the resumption: ${version}, ${title}, ticket from ${ticketFrom} another swap`, async (t) => {
        const { running, site, client } = await start(t, version)
        if (ticketFrom === 'after') await putInForce(running.app, () => site.revoke('mallory.pem'))
        const session = await takeTicket(running.port, client)
        const resumed = await connectTls(running.port, { ...client, session })
        resumed.on('error', () => {})
        t.ok(resumed.isSessionReused(), 'the session is resumed')
        t.equal(await ask(resumed), 'served')
        const closed = once(resumed, 'close')
        await putInForce(running.app, () => apply(site))
        if (refuses) await closed
        else t.equal(await ask(resumed), 'served')
        t.equal(resumed.destroyed, refuses)
        resumed.destroy()
      })
    }
  }
}

async function start (t: Test, version: 'TLSv1.2' | 'TLSv1.3'): Promise<{ running: RunningApp, site: Site, client: ConnectionOptions }> {
  const site = await makeSite(t)
  const root = await createAuthority({ name: 'Clients' })
  const intermediate = await createAuthority({ name: 'Clients, intermediate', issuer: root })
  const leaf: Issued = await intermediate.issue({ name: 'client', usage: 'client' })
  await writeFile(site.path('client.pem'), leaf.certificate)
  await writeFile(site.path('intermediate.pem'), intermediate.certificate)
  await writeFile(site.path('ca.pem'), site.ca.certificate + root.certificate)
  const running = await startApp(t, site.endpoint(), (app) => { app.get('/', async () => 'served') })
  return { running, site, client: { ...asClient(site, leaf), minVersion: version, maxVersion: version } }
}

async function ask (socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  let answer = ''
  while (!answer.includes('served')) answer += String((await once(socket, 'data'))[0])
  return 'served'
}

/** The result for a client that returns with a ticket. */
async function askAgain (port: number, options: ConnectionOptions): Promise<{ answer: string, reused: boolean }> {
  const socket = connect({ host: '127.0.0.1', port, ...options })
  let received = ''
  let reused = false
  socket.on('error', () => {}).on('data', (chunk) => {
    received += chunk
    if (received.includes('served')) socket.destroy()
  })
  socket.once('secureConnect', () => {
    reused = socket.isSessionReused()
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  })
  await once(socket, 'close').catch(() => {})
  return { answer: received.includes('served') ? 'served' : received, reused }
}
