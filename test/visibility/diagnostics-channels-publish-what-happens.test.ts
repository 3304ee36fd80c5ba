import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { EndpointServer } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'
import { whileItLives } from '../support/short-lived.js'
import { until } from '../support/until.js'

function listen (t: Test, name: string): unknown[] {
  const messages: unknown[] = []
  const note = (message: unknown): void => { messages.push(message) }
  subscribe(name, note)
  t.teardown(() => unsubscribe(name, note))
  return messages
}

t.test('rejections, swaps, closed connections and failures are published', async (t) => {
  const [refused, cut, swapped, failed] = ['client:refused', 'connection:cut', 'revocation:swapped', 'revocation:failed'].map((name) => listen(t, `fastify-endpoint:${name}`))
  const site = await makeSite(t)
  const endpoint = site.endpoint()
  const { app, port } = await startApp(t, endpoint)
  const mallory = await connectTls(port, asClient(site, site.mallory))
  mallory.on('error', () => {}).resume()
  const closed = once(mallory, 'close')
  await putInForce(app, () => site.revoke('mallory.pem'))
  await closed
  const revoked = { endpoint, reason: 'certificate_revoked', certificate: { subject: 'CN=mallory' }, source: { line: 2 }, remoteAddress: '127.0.0.1' }
  t.match(cut, [revoked])
  // If the watcher has seen the change before the reload, another one follows.
  t.match(swapped?.[0], { endpoint, generation: 2, size: 1 })
  await alertSeenByNode({ port }, asClient(site, site.mallory))
  t.match(refused, [{ ...revoked, alerted: true }])
  await writeFile(site.path('mallory.pem'), 'garbage')
  await t.rejects(app.endpoint.reload())
  t.match(failed, [{ endpoint, problems: [{ code: 'FST_ENDPOINT_FILE_INVALID' }] }])
})

for (const alpn of ['http/1.1', 'h2+http/1.1']) {
  t.test(`a connection whose certificate expires is published once (${alpn})`, async (t) => {
    const cut = listen(t, 'fastify-endpoint:connection:cut')
    const site = await makeSite(t)
    const { app, port } = await startApp(t, `${site.endpoint()}:alpn=${alpn}`)
    const { clientConnections } = app.server as unknown as EndpointServer
    await whileItLives(site, async (leaf) => {
      const client = await connectTls(port, { ...asClient(site, leaf), ALPNProtocols: alpn === 'http/1.1' ? [] : ['h2'] })
      client.on('error', () => {}).resume()
      if (alpn !== 'http/1.1') client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')
      await until('the connection is cut', () => clientConnections.size === 0)
      client.destroy()
      return cut[0]
    })
    t.match(cut, [{ reason: 'certificate_expired', certificate: { subject: 'CN=short-lived' } }])
  })
}
