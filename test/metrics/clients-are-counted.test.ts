import { once } from 'node:events'
import { connect } from 'node:net'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, connectTls, get, makeSite, putInForce, startApp, type RunningApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { head, Peer } from '../support/peer.js'
import { Scrape } from '../support/scrape.js'
import { until } from '../support/until.js'

interface Counted extends RunningApp {
  scrape (): Promise<Scrape>
}

async function start (t: Test, endpoint: string): Promise<Counted> {
  const metrics = new Registry()
  const running = await startApp(t, endpoint, undefined, { plugin: { metrics } })
  return { ...running, scrape: async () => new Scrape(await metrics.metrics()) }
}

/** Waits until a scrape matches: the server may finish a moment after its client. */
async function untilScraped (scrape: () => Promise<Scrape>, name: string, labels: Record<string, string>, value: number): Promise<void> {
  await until(`${name} ${JSON.stringify(labels)} is ${value}`, async () => (await scrape()).value(name, labels) === value)
}

const HANDSHAKES = 'fastify_endpoint_handshakes_total'
const REFUSALS = 'fastify_endpoint_refusals_total'
const CONNECTIONS = 'fastify_endpoint_connections'
const endpoint = 'tls:0:interface=127.0.0.1'

t.test('metrics count handshakes by version and result, and rejections by reason, starting at 0', async (t) => {
  const site = await makeSite(t)
  await site.revoke('mallory.pem')
  const { port, scrape } = await start(t, site.endpoint())
  const before = await scrape()
  t.equal(before.value(HANDSHAKES, { endpoint, version: 'TLSv1.2', result: 'admitted' }), 0)
  t.equal(before.value(REFUSALS, { endpoint, reason: 'certificate_revoked', alerted: 'true' }), 0)
  const stranger = await (await createAuthority({ name: 'Nobody' })).issue({ name: 'alice', usage: 'client' })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3', 'TLSv1.3'] as const) {
    await get(port, { ...asClient(site, site.alice), maxVersion })
    for (const leaf of [site.mallory, stranger]) await alertSeenByNode({ port }, { ...asClient(site, leaf), maxVersion })
  }
  const garbage = await Peer.connect(t, port)
  garbage.send(head())
  await garbage.closed
  await untilScraped(scrape, HANDSHAKES, { result: 'failed' }, 1)
  const silent = connect(port, '127.0.0.1')
  await once(silent, 'connect')
  silent.destroy()
  await untilScraped(scrape, HANDSHAKES, { result: 'left' }, 1)
  const after = await scrape()
  const shown = (name: string, label: string) => Object.fromEntries(after.all(name, { endpoint }).filter(({ value }) => value > 0).map(({ labels, value }) => [`${labels[label]} ${labels['result'] ?? labels['alerted']}`, value]))
  t.same(shown(HANDSHAKES, 'version'), {
    'TLSv1.2 admitted': 1, 'TLSv1.3 admitted': 2, 'TLSv1.2 refused': 2, 'TLSv1.3 refused': 4, 'unknown failed': 1, 'unknown left': 1
  })
  t.same(shown(REFUSALS, 'reason'), { 'certificate_revoked true': 3, 'unknown_ca true': 3 })
  t.notMatch(JSON.stringify(after.samples), /alice|mallory/, 'nothing of a client in a label')
})

t.test('metrics count open connections and closed ones', async (t) => {
  const site: Site = await makeSite(t)
  const { app, port, scrape } = await start(t, site.endpoint())
  const alice = await connectTls(port, asClient(site, site.alice))
  const mallory = await connectTls(port, asClient(site, site.mallory))
  mallory.on('error', () => {}).resume()
  const silent = await Peer.connect(t, port)
  await untilScraped(scrape, CONNECTIONS, { endpoint, state: 'established' }, 2)
  await untilScraped(scrape, CONNECTIONS, { endpoint, state: 'handshake' }, 1)
  const closed = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await closed
  t.equal((await scrape()).value('fastify_endpoint_connections_cut_total', { endpoint, reason: 'certificate_revoked' }), 1)
  await untilScraped(scrape, CONNECTIONS, { endpoint, state: 'established' }, 1)
  alice.destroy()
  silent.socket.destroy()
  await untilScraped(scrape, CONNECTIONS, { endpoint, state: 'established' }, 0)
  await untilScraped(scrape, CONNECTIONS, { endpoint, state: 'handshake' }, 0)
})

t.test('metrics count connections without the required PROXY header', async (t) => {
  const { port, scrape } = await start(t, 'haproxy:tcp:0:interface=127.0.0.1')
  const peer = await Peer.connect(t, port)
  peer.send(head())
  await peer.closed
  const after = await scrape()
  const labels = { endpoint: 'haproxy:tcp:0:interface=127.0.0.1' }
  t.equal(after.value('fastify_endpoint_proxy_refusals_total', { ...labels, reason: 'missing' }), 1)
  t.equal(after.value('fastify_endpoint_proxy_refusals_total', { ...labels, reason: 'untrusted' }), 0)
  t.same(after.all(HANDSHAKES), [], 'no handshakes without TLS')
})
