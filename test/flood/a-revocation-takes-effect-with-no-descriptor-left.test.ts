/** The app itself uses all descriptors: revocations still take effect, and credentials are renewed. */
import { X509Certificate } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { startBesieged, type Besieged } from '../support/besieged.js'
import { serialOf } from '../support/crl.js'
import { saying, startHttp } from '../support/http-source.js'
import { makeLargeCrl } from '../support/large-crl.js'
import { asClient, connectTls, makeSite, type Site } from '../support/mutual-tls.js'
import { head } from '../support/peer.js'
import type { Issued } from '../support/pki.js'

const LIMIT = 120
/** Milliseconds on a loaded machine. */
const LONGEST_WAIT = 30_000
/** More than the main thread reads. */
const MANY = 600

/** A client that is connected, and has been served. */
async function serve (t: Test, site: Site, { ports: [port = 0] }: Besieged, client: Issued): Promise<{ cut (): Promise<unknown> }> {
  const socket = await connectTls(port, asClient(site, client))
  t.teardown(() => { socket.destroy() })
  socket.on('error', () => {}).write(head())
  await once(socket, 'data')
  socket.resume()
  return { cut: () => once(socket, 'close', { signal: AbortSignal.timeout(LONGEST_WAIT) }) }
}

/** Replaces a file atomically. */
function put (site: Site, file: string, content: string | Uint8Array): void {
  writeFileSync(site.path('new'), content)
  renameSync(site.path('new'), site.path(file))
}

async function pairFor (site: Site): Promise<string> {
  const { key, chain } = await site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  return `${key}${chain}`
}

t.test('a client is cut with no descriptor left, whatever revokes it', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, saying(makeLargeCrl(site.ca, { count: 10, number: 1 }).der))
  for (const folder of ['flat', 'deep/lost', 'names']) mkdirSync(site.path(folder), { recursive: true })
  writeFileSync(site.path('all.crl'), makeLargeCrl(site.ca, { count: 10, number: 1 }).der)
  put(site, 'names/localhost.pem', await pairFor(site))
  for (const line of ['flat/*.pem', 'deep/**/*.pem', 'all.crl', source.url().replace('127.0.0.1', 'localhost')]) await site.revoke(line)
  const app = await startBesieged(t, LIMIT, { endpoint: `${site.endpoint()}:sni=${site.path('names')}`, reloadSignal: 'SIGHUP' })
  const ways: ReadonlyArray<{ readonly by: string, revoke (client: Issued): unknown }> = [
    { by: 'a file in a folder', revoke: ({ certificate }) => { put(site, 'flat/lost.pem', certificate) } },
    { by: 'a file in a nested folder', revoke: ({ certificate }) => { put(site, 'deep/lost/lost.pem', certificate) } },
    { by: 'a large CRL, for which a thread is started', revoke: ({ der }) => { put(site, 'all.crl', makeLargeCrl(site.ca, { count: 40_000, number: 2, include: [serialOf(der)] }).der) } },
    {
      by: 'a CRL over HTTP from a server with a name',
      revoke ({ der }) {
        source.answer = saying(makeLargeCrl(site.ca, { count: 10, number: 3, include: [serialOf(der)] }).der)
        app.child.kill('SIGHUP')
      }
    },
    {
      by: 'a line of the list',
      async revoke ({ certificate }) {
        writeFileSync(site.path('last.pem'), certificate)
        await site.revoke('last.pem')
      }
    }
  ]
  const clients = await Promise.all(ways.map(async ({ by }) => await site.ca.issue({ name: by, usage: 'client' })))
  const served = []
  for (const client of clients) served.push(await serve(t, site, app, client))
  await app.tell('hoard')
  for (const [index, { by, revoke }] of ways.entries()) {
    const cut = served[index]?.cut()
    await revoke(clients[index] as Issued)
    await t.resolves(cut as Promise<unknown>, by)
  }
  const renewed = await pairFor(site)
  put(site, 'names/localhost.pem', renewed)
  await app.child.prints(/"msg":"credentials reloaded"/)
  await app.tell('release')
  const socket = await connectTls(app.ports[0] ?? 0, asClient(site, site.alice))
  t.equal(socket.getPeerX509Certificate()?.fingerprint256, new X509Certificate(renewed).fingerprint256, 'and credentials are renewed')
  socket.destroy()
})

t.test('a client that one of many files revokes is cut with no descriptor left', async (t) => {
  const site = await makeSite(t)
  mkdirSync(site.path('revoked.d'))
  for (let index = 0; index < MANY; index++) writeFileSync(site.path(`revoked.d/${index}.pem`), site.server.certificate)
  await site.revoke('revoked.d/*.pem')
  const app = await startBesieged(t, LIMIT, { endpoint: site.endpoint() })
  const mallory = await serve(t, site, app, site.mallory)
  await app.tell('hoard')
  const cut = mallory.cut()
  put(site, 'revoked.d/mallory.pem', site.mallory.certificate)
  await t.resolves(cut)
})
