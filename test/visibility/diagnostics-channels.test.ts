import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { asClient, connectTls, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

function listen (t: Test, name: string): unknown[] {
  const messages: unknown[] = []
  const note = (message: unknown): void => { messages.push(message) }
  subscribe(name, note)
  t.teardown(() => unsubscribe(name, note))
  return messages
}

t.test('refusals, swaps, cuts and failures are published', async (t) => {
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
  t.match(swapped, [{ endpoint, generation: 2, size: 1 }])
  await alertSeenByNode({ port }, asClient(site, site.mallory))
  t.match(refused, [{ ...revoked, alerted: true }])
  await writeFile(site.path('mallory.pem'), 'garbage')
  await t.rejects(app.endpoint.reload())
  t.match(failed, [{ endpoint, problems: [{ code: 'FST_ENDPOINT_FILE_INVALID' }] }])
})
