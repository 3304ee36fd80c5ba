import { once } from 'node:events'
import { appendFile, writeFile } from 'node:fs/promises'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, get, helloRoute, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { type Authority, createAuthority, type Issued } from '../support/pki.js'
import { renewals } from '../support/renewal.js'

const DAY = 24 * 60 * 60 * 1000

async function ask (socket: TLSSocket): Promise<string> {
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return String((await once(socket, 'data'))[0])
}

/** An app with a connected client. Its certificate comes from the authority, or from an intermediate below it. */
async function start (t: Test, isBelow = false) {
  const site = await makeSite(t)
  const issuer = isBelow ? await createAuthority({ name: 'Below', issuer: site.ca }) : site.ca
  const client = await issuer.issue({ name: 'bob', usage: 'client' })
  await writeFile(site.path('bob.pem'), client.chain)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), helloRoute, { logger: log.logger })
  const socket = await connectTls(port, asClient(site, client))
  t.match(await ask(socket), /200 OK/)
  const replace = async (...certificates: readonly Issued[]): Promise<void> => {
    await writeFile(site.path('ca.pem'), certificates.map(({ certificate }) => certificate).join(''))
    await renewals(log, 1)
  }
  /** With its name and its key. */
  const renew = (options = {}): Promise<Authority> => createAuthority({ keyPair: site.ca.keyPair, notBefore: new Date(Date.now() - DAY / 2), ...options })
  return { site, app, port, client, socket, replace, renew }
}

for (const isBelow of [false, true]) {
  t.test(`a client stays when ${isBelow ? 'the authority above its issuer' : 'its issuer'} is renewed with the same key, until its certificate is revoked`, async (t) => {
    const { site, app, port, client, socket, replace, renew } = await start(t, isBelow)
    await replace(await renew(), await renew({ notBefore: new Date(Date.now() + DAY) }))
    t.match(await ask(socket), /200 OK/)
    t.equal((await get(port, asClient(site, client))).status, 200)
    const isCut = once(socket, 'close')
    socket.on('error', () => {})
    await putInForce(app, () => site.revoke('bob.pem'))
    await isCut
    t.equal(await alertSeenByNode({ port }, asClient(site, client)), 'certificate_revoked')
  })
}

t.test('a client is cut if its renewed authority has another key, other contents, or is not valid yet', async (t) => {
  const another = await createAuthority()
  for (const options of [{ keyPair: another.keyPair }, { pathLength: 0 }, { name: 'Another' }, { notBefore: new Date(Date.now() + DAY) }]) {
    const { socket, replace, renew } = await start(t)
    socket.on('error', () => {})
    const isCut = once(socket, 'close')
    await replace(await renew(options))
    await isCut
  }
})

t.test('a self-signed client in the file is cut when another certificate of its key replaces its own', async (t) => {
  const site = await makeSite(t)
  const pinned = await createAuthority({ name: 'pinned', keyUsage: null })
  await appendFile(site.path('ca.pem'), pinned.certificate)
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), helloRoute, { logger: log.logger })
  const socket = await connectTls(port, asClient(site, pinned))
  t.match(await ask(socket), /200 OK/)
  socket.on('error', () => {})
  const isCut = once(socket, 'close')
  const renewed = await createAuthority({ name: 'pinned', keyUsage: null, keyPair: pinned.keyPair })
  await writeFile(site.path('ca.pem'), site.ca.certificate + renewed.certificate)
  await renewals(log, 1)
  await isCut
  t.equal(await alertSeenByNode({ port }, asClient(site, pinned)), 'unknown_ca', 'as OpenSSL decides')
})
