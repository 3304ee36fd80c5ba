/** When the budget for chains of clients is spent, the log says once what to do, and again if that did not help. */
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { ChainBudget } from '../../lib/tls/sent-intermediates.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { openLayer } from '../support/open-layer.js'
import { createAuthority } from '../support/pki.js'

t.test('a spent budget for chains is logged once for the same authorities', async (t) => {
  const site = await makeSite(t)
  const lines: Array<[details: object, message: string]> = []
  const log = { debug () {}, info () {}, warn () {}, error: (details: object, message: string) => { lines.push([details, message]) } }
  const { port, layer } = await openLayer(t, site, site.endpoint(), { log, chainBudget: new ChainBudget(0) })
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const client = asClient(site, await intermediate.issue({ name: 'client', usage: 'client' }))
  for (let visit = 0; visit < 3; visit++) t.equal(await alertSeenByNode({ port }, client), 'unknown_ca')
  t.match(lines, [[{ lost: 0, most: 0 }, /add them to authorities/]])
  t.equal(lines.length, 1)
  await writeFile(site.path('ca.pem'), site.ca.certificate + (await createAuthority({ name: 'Another' })).certificate)
  await layer.reload()
  await alertSeenByNode({ port }, client)
  t.equal(lines.length, 2)
})

t.test('an app can read how much of the budget is lost, if the endpoint requests certificates', async (t) => {
  const site = await makeSite(t)
  const { app } = await startApp(t, [site.endpoint(), 'tcp:0:interface=127.0.0.1'])
  const [listener, plain] = app.endpoint.listeners
  const before = listener?.sentChains?.lost ?? NaN
  const intermediate = await createAuthority({ name: 'Intermediate', issuer: site.ca })
  const { port } = listener?.address as AddressInfo
  t.equal((await get(port, asClient(site, await intermediate.issue({ name: 'client', usage: 'client' })))).status, 200)
  t.ok((listener?.sentChains?.lost ?? NaN) > before)
  t.ok((listener?.sentChains?.most ?? NaN) > before)
  t.equal(plain?.sentChains, undefined)
})
