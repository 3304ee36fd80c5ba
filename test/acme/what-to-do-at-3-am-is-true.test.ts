/** What docs/acme.md says about a renewal that fails at 3 a.m.: what an operator sees, and what helps. */
import { rm } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import t from 'tap'
import { AcmeStore } from '../../lib/acme/store.js'
import { quoteEndpointArgument } from '../../lib/index.js'
import { startOrderingApp } from '../support/acme-app.js'
import { FakeDirectory, PROBLEM } from '../support/fake-directory.js'
import { Scrape } from '../support/scrape.js'
import { makeShortFolder } from '../support/unix-sockets.js'
import { until } from '../support/until.js'

const DAY = 24 * 60 * 60 * 1000

t.test('a renewal that fails is seen, costs no request, and is tried again at once without state.json', async (t) => {
  const directory = await FakeDirectory.start(t)
  const folder = join(makeShortFolder(t), 'store')
  const store = new AcmeStore(directory.settings(folder))
  await store.open()
  // A third of its life is left.
  const now = Date.now()
  const due = await directory.authority.issue({
    name: 'example.org', usage: 'server', dnsNames: ['example.org'], notBefore: new Date(now - 61 * DAY), notAfter: new Date(now + 29 * DAY)
  })
  await store.writeCertificate(due.key, due.chain)
  const limit = { type: `${PROBLEM}rateLimited`, detail: 'too many certificates (5) for these names' }
  directory.always.set('order', { status: 429, headers: { 'retry-after': '7200' }, body: limit })
  const metrics = new Registry()
  const { app, log } = await startOrderingApp(t, [
    `tls:0:interface=127.0.0.1:acme=example.org:acmeTerms=agreed:acmeStore=${quoteEndpointArgument(folder)}` +
    `:acmeDirectory=${quoteEndpointArgument(`${directory.url}/dir`)}:acmeCa=${quoteEndpointArgument(directory.caFile)}`
  ], { metrics })
  const { port } = app.server.address() as { port: number }
  const call = (): Promise<string> => new Promise((resolve) => {
    request({ port, host: '127.0.0.1', servername: 'example.org', ca: directory.authority.certificate, agent: false }, (response) => {
      let body = ''
      response.on('data', (piece) => { body += String(piece) }).on('end', () => { resolve(body) })
    }).on('error', ({ message }) => { resolve(message) }).end()
  })
  const expires = async (): Promise<number | undefined> => {
    return new Scrape(await metrics.metrics()).value('fastify_endpoint_certificate_not_after_timestamp_seconds', { argument: 'acme' })
  }
  await until('the health says so', () => app.endpoint.health().status === 'degraded')
  t.match(app.endpoint.health().reasons, [{ code: 'acme_failed', message: /too many certificates \(5\) for these names \(rateLimited\)\. Do nothing:/ }])
  const { next } = await log.line('certificate could not be renewed: the previous one stays in force') as { next?: string }
  t.ok(Date.parse(next ?? '') - now > 7_199_000, 'the next attempt waits as long as the directory says')
  t.equal(await call(), 'hello', 'the certificate in force stays')
  t.equal(await expires(), Date.parse(due.x509.validTo) / 1000, 'the metric says how long it lasts')

  directory.always.clear()
  // When it has been written: the health says so before.
  await until('state.json is there', async () => (await store.peekState())?.failures === 1)
  await rm(join(store.folder, 'state.json'))
  await until('it is renewed', async () => await expires() !== Date.parse(due.x509.validTo) / 1000)
  await until('the health is good', () => app.endpoint.health().status === 'ready')
  t.equal(await call(), 'hello')
})
