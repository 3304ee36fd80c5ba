/** Long before the budget for chains of clients is spent, the log says once what to do. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import t from 'tap'
import { Registry } from 'prom-client'
import { ChainBudget } from '../../lib/tls/sent-intermediates.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { openLayer } from '../support/open-layer.js'
import { createAuthority } from '../support/pki.js'

/** The verdict is there when the handshake of TLS 1.2 is over for the client. */
async function visit (port: number, options: ConnectionOptions): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ...options, maxVersion: 'TLSv1.2' })
  await once(socket, 'secureConnect')
  socket.destroy()
}

t.test('a warning is logged once when half of the budget for chains is used', async (t) => {
  const site = await makeSite(t)
  const intermediates = await Promise.all(Array.from({ length: 4 }, (_, index) => createAuthority({ name: `Intermediate ${index}`, issuer: site.ca })))
  const [first] = intermediates
  const lines: Array<[level: string, details: object, message: string]> = []
  const noting = (level: string) => (details: object, message: string) => { if (message.includes('intermediates')) lines.push([level, details, message]) }
  const log = { debug () {}, info () {}, warn: noting('warn'), error: noting('error') }
  // Room for three of them.
  const chainBudget = new ChainBudget(50 * ((first?.der.length ?? 0) * 3 - 100))
  const { port } = await openLayer(t, site, site.endpoint(), { log, chainBudget })
  for (const [index, intermediate] of intermediates.entries()) {
    const client = asClient(site, await intermediate.issue({ name: 'client', usage: 'client' }))
    if (index < 3) await visit(port, client)
    else t.equal(await alertSeenByNode({ port }, client), 'unknown_ca')
    if (index === 0) t.same(lines, [])
    if (index === 1) t.match(lines, [['warn', { most: chainBudget.most, lost: chainBudget.lost }, /^half of the memory budget .* add them to authorities$/]])
    if (index === 2) t.equal(lines.length, 1)
  }
  t.match(lines, [['warn'], ['error', {}, /no longer read/]])
  t.equal(lines.length, 2)
})

t.test('a metric shows how much of the budget is used, if the endpoint requests certificates', async (t) => {
  const site = await makeSite(t)
  const metrics = new Registry()
  const { app } = await startApp(t, [site.endpoint(), 'tcp:0:interface=127.0.0.1'], undefined, { plugin: { metrics } })
  const used = async (): Promise<number[]> => {
    const { values } = await metrics.getSingleMetric('fastify_endpoint_sent_chains_budget_used_ratio')?.get() ?? { values: [] }
    return values.map(({ value }) => value)
  }
  const [before] = await used()
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const { port } = app.endpoint.listeners[0]?.address as AddressInfo
  t.equal((await get(port, asClient(site, await intermediate.issue({ name: 'client', usage: 'client' })))).status, 200)
  const after = await used()
  t.equal(after.length, 1)
  t.ok((after[0] ?? 0) > (before ?? NaN) && (after[0] ?? 1) < 1)
})
