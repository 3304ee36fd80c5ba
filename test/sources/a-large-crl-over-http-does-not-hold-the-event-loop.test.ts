/** Clients get answers while a CRL of 145 MB loads over HTTP, and a lower limit is an error. */
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { extension, makeCrl, serialOf } from '../support/crl.js'
import { saying, startHttp } from '../support/http-source.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { errorOf } from '../support/rejection.js'

t.test('the large CRL is in force, and no client waits for it', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, saying(makeCrl(site.ca).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir: site.path('cache') } })
  // The CRL is large because of content that is quick to generate.
  const { der } = makeCrl(site.ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }], extensions: [extension('1.2.3.4', Buffer.alloc(145_000_000))] })
  source.answer = saying(der, { 'content-length': String(der.length) })
  const reload = { isOver: false }
  const reloading = app.endpoint.reload().finally(() => { reload.isOver = true })
  const agent = new Agent({ keepAlive: true })
  const answers = new Set<number>()
  let answered = 0
  for (; !reload.isOver && answered < 200; answered++) answers.add((await get(port, { ...asClient(site, site.alice), agent })).status)
  agent.destroy()
  await reloading
  t.same([...answers], [200])
  t.ok(answered > 2, `${answered} requests were answered meanwhile`)
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')

  const refused = errorOf(() => startApp(t, site.endpoint(), undefined, { plugin: { limits: { fileBytes: 100_000_000 } } }))
  t.match(await refused, { code: 'FST_ENDPOINT_SOURCE_TOO_LARGE', message: `source ${source.url()} holds more bytes than limits.fileBytes allows (100000000)` })
})
