/**
 * The session of a resuming client is accepted at its hello. Whatever comes into force before its Finished, it is served
 * if the rules in force admit it, and refused if they do not: {TLS 1.2, 1.3} × {what changes}.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:tls'
import t from 'tap'
import { asClient, makeSite, putInForce, startApp, takeTicket, type Site } from '../support/mutual-tls.js'
import { head } from '../support/peer.js'
import { createAuthority } from '../support/pki.js'
import { Relay } from '../support/relay.js'

interface Change {
  readonly title: string
  /** Each of these is one swap. */
  readonly steps: ReadonlyArray<(site: Site) => Promise<void>>
  readonly served: boolean
}

const another = createAuthority({ name: 'Another' })

const CHANGES: readonly Change[] = [
  { title: 'another client is revoked', steps: [(site) => site.revoke('mallory.pem')], served: true },
  { title: 'the list changes twice', steps: [(site) => site.revoke('mallory.pem'), (site) => site.revoke('server.pem')], served: true },
  { title: 'an authority is added', steps: [async (site) => { await writeFile(site.path('ca.pem'), (await trusted(site)) + (await another).certificate) }], served: true },
  {
    title: 'an authority is added, and another client is revoked',
    steps: [async (site) => { await writeFile(site.path('ca.pem'), (await trusted(site)) + (await another).certificate) }, (site) => site.revoke('mallory.pem')],
    served: true
  },
  { title: 'the server\'s certificate is renewed', steps: [async (site) => { await site.write('server', await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })) }], served: true },
  { title: 'it is revoked', steps: [(site) => site.revoke('client.pem')], served: false },
  { title: 'it is revoked, and then another client', steps: [(site) => site.revoke('client.pem'), (site) => site.revoke('mallory.pem')], served: false },
  { title: 'its intermediate is revoked', steps: [(site) => site.revoke('intermediate.pem')], served: false },
  { title: 'its authority is removed', steps: [async (site) => { await writeFile(site.path('ca.pem'), site.ca.certificate) }], served: false }
]

/** The initial content of ca.pem. */
async function trusted (site: Site): Promise<string> {
  return site.ca.certificate + (await roots.get(site) ?? '')
}

const roots = new WeakMap<Site, Promise<string>>()

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const { title, steps, served } of CHANGES) {
    t.test(`a resuming client is ${served ? 'served' : 'refused'} in ${version}: ${title}`, async (t) => {
      const site = await makeSite(t)
      const root = await createAuthority({ name: 'Clients' })
      roots.set(site, Promise.resolve(root.certificate))
      const intermediate = await createAuthority({ name: 'Clients, intermediate', issuer: root })
      const leaf = await intermediate.issue({ name: 'client', usage: 'client' })
      await Promise.all([
        writeFile(site.path('client.pem'), leaf.certificate), writeFile(site.path('intermediate.pem'), intermediate.certificate),
        writeFile(site.path('ca.pem'), await trusted(site))
      ])
      const { app, port } = await startApp(t, site.endpoint(), (app) => { app.get('/', async () => 'served') })
      const client = { ...asClient(site, leaf), minVersion: version, maxVersion: version }
      const session = await takeTicket(port, client)
      const relay = await Relay.open(t, port, { flights: 1 })
      const socket = connect({ host: '127.0.0.1', port: relay.port, ...client, session })
      let received = ''
      const over = new Promise<void>((resolve) => {
        socket.on('error', () => {}).once('close', () => { resolve() }).on('data', (chunk) => {
          received += String(chunk)
          if (received.includes('served')) resolve()
        })
      })
      let resumed = false
      socket.once('secureConnect', () => {
        resumed = socket.isSessionReused()
        socket.write(head())
      })
      await relay.held
      for (const step of steps) await putInForce(app, () => step(site))
      relay.release()
      await over
      t.ok(resumed, 'the session is resumed')
      t.equal(received.includes('served'), served)
      socket.destroy()
      // A client that is served can come again, and is known.
      if (served) t.ok(await takeTicket(port, client))
    })
  }

  t.test(`many good clients that resume during a swap are all served (${version})`, async (t) => {
    const site = await makeSite(t)
    const { app, port } = await startApp(t, site.endpoint(), (app) => { app.get('/', async () => 'served') })
    const client = { ...asClient(site, site.alice), minVersion: version, maxVersion: version }
    const session = await takeTicket(port, client)
    const relays = await Promise.all(Array.from({ length: 20 }, () => Relay.open(t, port, { flights: 1 })))
    const answers = relays.map(async (relay) => {
      const socket = connect({ host: '127.0.0.1', port: relay.port, ...client, session })
      socket.once('secureConnect', () => { socket.write(head()) })
      const [chunk] = await once(socket, 'data')
      socket.destroy()
      return String(chunk).slice(0, 12)
    })
    await Promise.all(relays.map(({ held }) => held))
    await putInForce(app, () => site.revoke('mallory.pem'))
    for (const relay of relays) relay.release()
    t.same(await Promise.all(answers), relays.map(() => 'HTTP/1.1 200'))
  })
}
