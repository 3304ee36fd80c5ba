/**
 * When a source fails while the app runs, revoked clients stay rejected and other clients stay accepted. Health
 * reports the failure until the source recovers.
 */
import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { refusing, saying, startHttp, type Respond } from '../support/http-source.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { until } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })
const impostor = await createAuthority({ name: 'Test CA' })
const HOUR = 60 * 60 * 1000

const cases: ReadonlyArray<readonly [string, Respond | 'down', { code: string, message: RegExp } | undefined]> = [
  ['it is down', 'down', { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /could not be loaded: connect ECONNREFUSED/ }],
  ['it has no such file', refusing(404), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /could not be loaded: it answers 404$/ }],
  ['it is broken', refusing(500), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /it answers 500$/ }],
  ['its answer is cut short', (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('x', () => { response.destroy() })
  }, { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /cut short$/ }],
  ['it contains something else', saying('<html></html>'), { code: 'FST_ENDPOINT_FILE_INVALID', message: /it holds no certificate and no CRL/ }],
  ['it contains a CRL that another authority signed', saying(makeCrl(impostor, { number: 9 }).der), { code: 'FST_ENDPOINT_CRL_UNSIGNED', message: /the CRL is ignored/ }],
  ['it contains certificates, over plain http', saying(impostor.certificate), { code: 'FST_ENDPOINT_SOURCE_INSECURE', message: /is plain http or a distribution point, and serves something other than CRLs/ }],
  ['it contains an older CRL', saying(makeCrl(ca, { number: 1, thisUpdate: new Date(Date.now() - 48 * HOUR) }).der), undefined]
]

for (const [name, answer, problem] of cases) {
  t.test(`a source un-revokes no client: ${name}`, async (t) => {
    const site = await makeSite(t, ca)
    const good = saying(makeCrl(ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }] }).der)
    const source = await startHttp(t, good)
    await writeFile(site.path('revoked.txt'), `${source.url().replace('//', '//user:SECRET@')}\n`)
    const log = new LogCapture()
    const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
    const reload = async (): Promise<{ code: string }> => await app.endpoint.reload().then(() => ({ code: 'none' }), (thrown) => thrown)
    if (answer === 'down') await source.stop()
    else source.answer = answer
    t.equal((await reload()).code, problem?.code ?? 'none')
    t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
    t.match(await get(port, asClient(site, site.alice)), { status: 200 })
    const health = app.endpoint.health()
    if (problem === undefined) t.equal(health.status, 'ready')
    else t.match(health, { status: 'degraded', reasons: [{ code: 'revocations_failed', error: problem.code, message: problem.message, file: site.path('revoked.txt'), line: 1 }] })

    if (answer === 'down') await startHttp(t, good, source.port)
    else source.answer = saying(makeCrl(ca, { number: 3, entries: [{ serial: serialOf(site.alice.der) }] }).der)
    t.equal((await reload()).code, 'none')
    t.equal(app.endpoint.health().status, 'ready')
    if (answer !== 'down') {
      t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked')
      t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
    }
    t.notMatch(JSON.stringify([log.lines, health]), /SECRET/)
  })
}

t.test('a failed source is tried again without a reload', async (t) => {
  const site = await makeSite(t, ca)
  const source = await startHttp(t, saying(makeCrl(ca).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const { app } = await startApp(t, site.endpoint())
  source.answer = refusing(503)
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FAILED' })
  source.answer = saying(makeCrl(ca, { number: 2 }).der)
  await until('the app is ready', () => app.endpoint.health().status === 'ready')
  t.pass('it has recovered')
})

t.test('a slow source does not delay other revocations or the closing of the app', async (t) => {
  const site = await makeSite(t, ca)
  const source = await startHttp(t, saying(makeCrl(ca, { entries: [{ serial: serialOf(site.mallory.der) }] }).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const { app, port } = await startApp(t, site.endpoint())
  source.answer = () => {}
  const reloading = errorOf(() => app.endpoint.reload())
  await site.revoke(`tbs:${identifyCertificate(site.alice.der).tbs}`)
  await until('alice is revoked', () => app.endpoint.listeners[0]?.revocation?.status([site.alice.x509]).status === 'revoked')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.alice)), 'certificate_revoked', 'a new line of the list counts meanwhile')
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  await app.close()
  t.match(await reloading, { code: /^FST_ENDPOINT_(LIST_)?CLOSED$/ })
})

t.test('a client stays revoked while the line of its CRL changes to another URL', async (t) => {
  const site = await makeSite(t, ca)
  const source = await startHttp(t, saying(makeCrl(ca, { entries: [{ serial: serialOf(site.mallory.der) }] }).der))
  await writeFile(site.path('revoked.txt'), `${source.url('/old')}\n`)
  const { app, port } = await startApp(t, site.endpoint())
  const next = await startHttp(t, refusing(404))
  await writeFile(site.path('revoked.txt'), `${next.url('/new')}\n`)
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_FAILED' })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  next.answer = saying(makeCrl(ca, { number: 2 }).der)
  await app.endpoint.reload()
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
})
