import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { untilAtRest } from '../support/disk-calls.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, get, makeSite, startApp, takeTicket, type Site } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'
import { renewals, serverSerial } from '../support/renewal.js'

const RENEWED = 'credentials reloaded'
const FAILED = 'cannot be loaded'

/** Replaces a file atomically. */
async function replace (site: Site, file: string, content: string): Promise<void> {
  await writeFile(site.path('new.pem'), content)
  await rename(site.path('new.pem'), site.path(file))
}

interface Pair {
  readonly site: Site
  readonly log: LogCapture
  readonly first: number
  readonly second: number
  reload (): Promise<void>
  issue (): Promise<Issued>
}

/** Two endpoints with the same authorities: the first has its key and certificate in two files, the second in one. */
async function startPair (t: Test): Promise<Pair> {
  const site = await makeSite(t)
  const issue = (): Promise<Issued> => site.ca.issue({ name: 'localhost', usage: 'server', dnsNames: ['localhost'] })
  const { key, chain } = await issue()
  await writeFile(site.path('other.pem'), key + chain)
  await untilAtRest(...['server.key', 'server.pem', 'other.pem', 'ca.pem'].map((file) => site.path(file)))
  const log = new LogCapture()
  const second = site.endpoint().replace('server.key', 'other.pem').replace('server.pem', 'other.pem')
  const { app } = await startApp(t, [site.endpoint(), second], undefined, { logger: log.logger })
  const [port, otherPort] = app.endpoint.listeners.map(({ address }) => (address as AddressInfo).port) as [number, number]
  return { site, log, first: port, second: otherPort, reload: () => app.endpoint.reload(), issue }
}

t.test('a broken key pair of one endpoint does not block the renewal of another, and is not reported there', async (t) => {
  const { site, log, first, second, reload, issue } = await startPair(t)
  const nextFirst = await issue()
  const nextSecond = await issue()
  await writeFile(site.path('server.key'), nextFirst.key)
  await log.line(FAILED)
  await replace(site, 'other.pem', nextSecond.key + nextSecond.chain)
  await renewals(log, 1)
  t.equal(await serverSerial(second, site), nextSecond.x509.serialNumber)
  t.equal(await serverSerial(first, site), site.server.x509.serialNumber)
  await t.rejects(reload(), { code: 'FST_ENDPOINT_KEY_MISMATCH', file: site.path('server.pem') })
  t.match(log.about(FAILED).map(({ msg }) => msg.includes('server.key')), [true])

  await writeFile(site.path('server.pem'), nextFirst.chain)
  await log.line('loaded without problems again')
  t.equal(await serverSerial(first, site), nextFirst.x509.serialNumber)
  t.equal(log.about(RENEWED).length, 2)
  await reload()
})

t.test('shared authorities come into force on each endpoint that can use them, and on the others later', async (t) => {
  const { site, log, first, second, issue } = await startPair(t)
  const other = await createAuthority({ name: 'Other' })
  const bob = asClient(site, await other.issue({ name: 'bob', usage: 'client' }))
  const next = await issue()
  await writeFile(site.path('server.key'), next.key)
  await log.line(FAILED)
  await replace(site, 'ca.pem', site.ca.certificate + other.certificate)
  await renewals(log, 1)
  t.equal((await get(second, bob)).status, 200)
  await t.rejects(get(first, bob))
  await writeFile(site.path('server.pem'), next.chain)
  await renewals(log, 2)
  t.equal((await get(first, bob)).status, 200)
})

t.test('a renewal of one endpoint does not affect the sessions of another', async (t) => {
  const { site, log, first, second, issue } = await startPair(t)
  const client = asClient(site, site.alice)
  const [own, others] = [await takeTicket(first, client), await takeTicket(second, client)]
  await site.write('server', await issue())
  await renewals(log, 1)
  const isResumed = async (port: number, session: Buffer): Promise<boolean> => {
    const socket = await connectTls(port, { ...client, session })
    const isReused = socket.isSessionReused()
    socket.end('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n').resume()
    await once(socket, 'close')
    return isReused
  }
  t.equal(await isResumed(second, others), true)
  t.equal(await isResumed(first, own), false)
})
