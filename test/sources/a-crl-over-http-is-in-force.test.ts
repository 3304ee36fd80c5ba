/**
 * A line of the list names a CRL at a URL. The clients in it are rejected from the next reload at the latest.
 */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { saying, startHttp } from '../support/http-source.js'
import { asClient, get, makeSite, putInForce, startApp } from '../support/mutual-tls.js'

t.test('a CRL over HTTP is in force from the start, and as soon as its line is added', async (t) => {
  const site = await makeSite(t)
  const crl = makeCrl(site.ca, { entries: [{ serial: serialOf(site.mallory.der) }] })
  const source = await startHttp(t, saying(crl.der, { etag: '"1"' }))
  await writeFile(site.path('revoked.txt'), `${source.url()}?token=SECRET\n`)
  const { app, port } = await startApp(t, site.endpoint())
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.match(app.endpoint.listeners[0]?.revocation?.status([site.mallory.x509]), {
    status: 'revoked', kind: 'crl', source: { list: site.path('revoked.txt'), line: 1, source: source.url() }
  })
  t.match(app.endpoint.health(), { status: 'ready' })

  await putInForce(app, async () => { await writeFile(site.path('revoked.txt'), '# none\n') })
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 }, 'with its line a source is gone')
  await putInForce(app, async () => { await writeFile(site.path('revoked.txt'), `# again\n${source.url()}\n`) })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})

t.test('a newer CRL closes the connections of the clients it revokes, and an unchanged CRL is not sent again', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, (request, response) => {
    if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
    else response.writeHead(200, { etag: '"1"' }).end(makeCrl(site.ca, { number: 1 }).pem)
  })
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const { app, port } = await startApp(t, site.endpoint())
  await app.endpoint.reload()
  t.match(source.asked.map(({ headers }) => headers['if-none-match']), [undefined, '"1"'])
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  source.answer = saying(makeCrl(site.ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }] }).pem)
  await app.endpoint.reload()
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
})
