/**
 * A source gives an invalid answer to an app that starts. Without a copy the app does not start, and reports the reason
 * in time. With a copy it rejects the revoked clients, and reports that it uses the copy.
 */
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointOptions } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { refusing, saying, startHttp, type Respond } from '../support/http-source.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { PATIENCE, until } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })
const impostor = await createAuthority({ name: 'Test CA' })
const newer = makeCrl(ca, { number: 3 })
/** In milliseconds, for what takes the whole time of a start: a tenth of it passes between the error of a source and that of the start. */
const SHORT = 6000
const LIMIT = 256 * 1024

const cases: ReadonlyArray<readonly [string, Respond, string, RegExp]> = [
  ['404', refusing(404), 'FST_ENDPOINT_SOURCE_FAILED', /it answers 404$/],
  ['500', refusing(500), 'FST_ENDPOINT_SOURCE_FAILED', /it answers 500$/],
  ['304 although no content is known', (_request, response) => { response.writeHead(304).end() }, 'FST_ENDPOINT_SOURCE_FAILED', /it answers 304 to a request without a condition$/],
  ['a CRL that another authority signed', saying(makeCrl(impostor, { number: 3 }).der), 'FST_ENDPOINT_CRL_UNSIGNED', /the CRL is ignored/],
  ['a CRL that is cut short', (_request, response) => {
    response.writeHead(200, { 'content-length': newer.der.length })
    response.write(newer.der.subarray(0, 100), () => { response.destroy() })
  }, 'FST_ENDPOINT_SOURCE_FAILED', /the response was cut short$/],
  ['a CRL without one of its parts', saying(newer.der.subarray(0, 100)), 'FST_ENDPOINT_FILE_INVALID', /./],
  ['something else', saying('<html></html>'), 'FST_ENDPOINT_FILE_INVALID', /it holds no certificate and no CRL/],
  ['too much', saying(Buffer.alloc(LIMIT + 1)), 'FST_ENDPOINT_SOURCE_TOO_LARGE', /limits\.fileBytes/],
  ['without an end', (_request, response) => {
    const write = (): void => { if (!response.destroyed) response.write('x', () => { setTimeout(write, 20) }) }
    write()
  }, 'FST_ENDPOINT_SOURCE_TIMEOUT', /could not be loaded within \d+ ms: check that its server responds/],
  ['nothing', () => {}, 'FST_ENDPOINT_SOURCE_TIMEOUT', /could not be loaded within \d+ ms: check that its server responds/],
  ['a redirect to an internal service', refusing(302, { location: 'http://169.254.169.254/latest/meta-data' }), 'FST_ENDPOINT_SOURCE_FAILED', /it redirects from a loopback address to a link-local one/],
  ['certificates, over plain http', saying(impostor.certificate), 'FST_ENDPOINT_SOURCE_INSECURE', /is plain http/]
]

async function failToStart (t: Test, site: Site, options: EndpointOptions, pluginTimeout: number): Promise<ReturnType<typeof errorOf>> {
  const app = Fastify({ serverFactory, pluginTimeout })
  t.teardown(() => app.close())
  return await errorOf(() => app.register(endpoint, { endpoint: site.endpoint(), ...options }))
}

for (const [what, answer, code, message] of cases) {
  t.test(`an app needs a copy to start with this answer: ${what}`, async (t) => {
    const site = await makeSite(t, ca)
    const source = await startHttp(t, answer)
    await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
    const plugin = { cacheDir: site.path('cache'), limits: { fileBytes: LIMIT } }
    const pluginTimeout = code === 'FST_ENDPOINT_SOURCE_TIMEOUT' ? SHORT : PATIENCE
    t.match(await failToStart(t, site, plugin, pluginTimeout), { code, message, line: 1 })

    source.answer = saying(makeCrl(ca, { number: 2, entries: [{ serial: serialOf(site.mallory.der) }] }).der)
    const before = await startApp(t, site.endpoint(), undefined, { plugin })
    await before.app.close()
    source.answer = answer
    // Twice, because the first start must not damage the copy.
    for (const time of ['once', 'twice']) {
      const log = new LogCapture()
      const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin, pluginTimeout, logger: log.logger })
      t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked', time)
      t.match(await get(port, asClient(site, site.alice)), { status: 200 })
      t.match(await log.line('its copy in cacheDir'), { level: 40 })
      await until('the app is degraded', () => app.endpoint.health().status === 'degraded')
      t.match(app.endpoint.health().reasons, [{ code: 'revocations_failed', error: code }])
      t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
      await app.close()
    }
    source.answer = saying(newer.der)
    const { port } = await startApp(t, site.endpoint(), undefined, { plugin })
    t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  })
}
