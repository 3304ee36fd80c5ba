import { channel } from 'node:diagnostics_channel'
import type { RequestOptions } from 'node:https'
import t from 'tap'
import type { ClientEvent } from '../../lib/index.js'
import { issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { asClient, get, startApp, takeTicket } from '../support/mutual-tls.js'

const site = await makeAllowedSite(t, ['uri:spiffe://example.org/ns/shop/*', 'cn:alice'])
const orders = await issueWorkload(site.ca, 'spiffe://example.org/ns/shop/sa/orders')
const other = await issueWorkload(site.ca, 'spiffe://example.org/ns/bank/sa/orders')

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version }

  t.test(`over ${version} the client gets the alert access_denied, and other clients are admitted`, async (t) => {
    const { app, port } = await startApp(t, site.allowed)
    const refused: ClientEvent[] = []
    const take = (message: unknown): void => { refused.push(message as ClientEvent) }
    channel('fastify-endpoint:client:refused').subscribe(take)
    t.teardown(() => { channel('fastify-endpoint:client:refused').unsubscribe(take) })
    t.equal((await get(port, { ...asClient(site, orders), ...only })).status, 200)
    t.equal((await get(port, { ...asClient(site, site.alice), ...only })).status, 200)
    await t.rejects(get(port, { ...asClient(site, other), ...only }), { message: /alert number 49/ })
    await t.rejects(get(port, { ...asClient(site, site.mallory), ...only }), { message: /alert number 49/ })
    t.match(refused, [
      { reason: 'access_denied', names: ['uri:spiffe://example.org/ns/bank/sa/orders'], alerted: true },
      { reason: 'access_denied', names: ['cn:mallory'], alerted: true }
    ])
    t.equal(app.endpoint.listeners[0]?.allowed?.rules, 2)
  })
}

t.test('a resumed handshake is judged by the rules in force', async (t) => {
  const { app, port } = await startApp(t, site.allowed)
  const client = { ...asClient(site, site.alice), minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const
  const session = await takeTicket(port, client)
  t.equal((await get(port, { ...client, session } as RequestOptions)).status, 200)
  await site.allow('uri:spiffe://example.org/ns/shop/*')
  await app.endpoint.reload()
  await t.rejects(get(port, { ...client, session } as RequestOptions), { message: /alert number 49/ })
})
