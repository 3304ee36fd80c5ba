/**
 * A source is down when an app starts. Without an earlier copy the app does not start, and reports the reason before
 * Fastify's own timeout. With a copy it starts, and reports that it uses one.
 */
import { mkdirSync } from 'node:fs'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointOptions, type RevocationSource } from '../../lib/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { makeCrl, serialOf } from '../support/crl.js'
import { refusing, saying, startHttp } from '../support/http-source.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { CachedCopy } from '../../lib/revocation/sources/cached-copy.js'
import { FollowedSource } from '../../lib/revocation/sources/followed-source.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { makeTestFolder } from '../support/test-folder.js'
import { PATIENCE, until } from '../support/until.js'

async function failToStart (t: Test, site: Site, options: EndpointOptions = {}, pluginTimeout = PATIENCE): Promise<ReturnType<typeof errorOf>> {
  const app = Fastify({ serverFactory, pluginTimeout })
  t.teardown(() => app.close())
  return await errorOf(() => app.register(endpoint, { endpoint: site.endpoint(), ...options }))
}

t.test('an app does not start without a copy', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, refusing(503))
  await writeFile(site.path('revoked.txt'), `# first\n${source.url().replace('//', '//user:SECRET@')}\n`)
  const error = await failToStart(t, site, { cacheDir: site.path('cache') })
  t.match(error, { code: 'FST_ENDPOINT_SOURCE_FAILED', message: `source ${source.url()} could not be loaded: it answers 503`, file: site.path('revoked.txt'), line: 2 })
  source.answer = () => {}
  const late = await failToStart(t, site, {}, 6000)
  t.match(late, { code: 'FST_ENDPOINT_SOURCE_TIMEOUT', message: /^source .* could not be loaded within \d+ ms: check that its server responds/ })
  await source.stop()
  t.match(await failToStart(t, site), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /ECONNREFUSED/ })
})

t.test('an app starts with a copy', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, saying(makeCrl(site.ca, { entries: [{ serial: serialOf(site.mallory.der) }] }).der, { etag: '"1"' }))
  await writeFile(site.path('revoked.txt'), `${source.url().replace('//', '//user:SECRET@')}\n`)
  const cacheDir = site.path('deep/cache')
  const before = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir } })
  await before.app.close()
  const [name = '', ...others] = await readdir(cacheDir)
  t.match(name, /^[0-9a-f]{64}$/)
  t.same(others, [])
  t.equal((await stat(cacheDir)).mode & 0o777, 0o700)
  t.equal((await stat(join(cacheDir, name))).mode & 0o777, 0o600)
  t.notOk((await readFile(join(cacheDir, name))).includes('SECRET'))

  source.answer = (request, response) => { response.writeHead(request.headers['if-none-match'] === '"1"' ? 304 : 500).end() }
  const unchanged = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir } })
  t.equal(await alertSeenByNode({ port: unchanged.port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.equal(unchanged.app.endpoint.health().status, 'ready', 'the source has said that nothing has changed')
  await unchanged.app.close()

  source.answer = refusing(500)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir }, logger: log.logger })
  t.equal(await alertSeenByNode({ port }, asClient(site, site.mallory)), 'certificate_revoked')
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
  t.match(await log.line('its copy in cacheDir is in force'), { level: 40 })
  await until('the app is degraded', () => app.endpoint.health().status === 'degraded')
  t.match(app.endpoint.health().reasons, [{ code: 'revocations_failed', error: 'FST_ENDPOINT_SOURCE_FAILED' }])
  source.answer = saying(makeCrl(site.ca, { number: 2 }).der)
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'ready')
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
  await app.close()

  await source.stop()
  const copy = await readFile(join(cacheDir, name))
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1)
  await writeFile(join(cacheDir, name), copy)
  t.match(await failToStart(t, site, { cacheDir }), { code: 'FST_ENDPOINT_SOURCE_FAILED' }, 'a damaged copy is not used')
})

t.test('a copy of keys is used too', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), 'mine:all\nmine:none\n')
  let isDown = false
  const restored: Array<[string, number | undefined]> = []
  const sources: EndpointOptions['sources'] = {
    mine: (line): RevocationSource => ({
      name: line,
      load: async () => {
        if (isDown) throw new Error('down')
        return { keys: line === 'mine:all' ? [`serial:${serialOf(site.mallory.der)}@sha256//${'A'.repeat(43)}=`] : [] }
      },
      watch () {},
      close () {},
      restore ({ keys }) {
        restored.push([line, keys?.length])
        throw new Error('nobody minds')
      }
    })
  }
  const plugin = { sources, cacheDir: site.path('cache') }
  const before = await startApp(t, site.endpoint(), undefined, { plugin })
  t.equal(before.app.endpoint.listeners[0]?.revocation?.size, 1)
  await before.app.close()
  t.same(restored, [])
  isDown = true
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin, logger: log.logger })
  t.equal(app.endpoint.listeners[0]?.revocation?.size, 1)
  t.same(restored.sort(), [['mine:all', 1], ['mine:none', 0]], 'each gets its own copy')
  t.match(await log.line('did not accept its copy in cacheDir'), { level: 40 })
})

t.test('a folder that other users can write to is rejected, and so is one that cannot be created', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, saying(makeCrl(site.ca).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  await chmod(site.folder, 0o777)
  t.match(await failToStart(t, site, { cacheDir: site.folder }), { code: 'FST_ENDPOINT_CACHE', message: /other users can write to it/ })
  t.match(await failToStart(t, site, { cacheDir: site.path('ca.pem') + '/cache' }), { code: 'FST_ENDPOINT_CACHE', message: /ENOTDIR/ })
  t.match(await failToStart(t, site, { cacheDir: '' }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /cacheDir/ })
})

t.test('a copy that cannot be written causes a warning, and the loaded revocations are in force', async (t) => {
  const site = await makeSite(t)
  const source = await startHttp(t, saying(makeCrl(site.ca).der))
  await writeFile(site.path('revoked.txt'), `${source.url()}\n`)
  const log = new LogCapture()
  const cacheDir = site.path('cache')
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin: { cacheDir }, logger: log.logger })
  await rm(cacheDir, { recursive: true })
  source.answer = saying(makeCrl(site.ca, { number: 2, entries: [{ serial: '01' }] }).der)
  await app.endpoint.reload()
  t.equal(app.endpoint.listeners[0]?.revocation?.size, 1)
  t.match(await log.line('its copy in cacheDir cannot be written'), { level: 40 })
})

t.test('a copy that could not be written is written later, even if the source has not changed', async (t) => {
  const folder = makeTestFolder(t)
  const authority = await createAuthority()
  const source = { name: 'mine', load: async (_signal: AbortSignal, known?: string) => ({ version: '1', ...(known === undefined && { bytes: Buffer.from(authority.certificate) }) }), watch () {}, close () {} }
  const reading = { authorities: Authorities.none, reader: new ReaderThread(), limits: { fileBytes: 10_000, entries: 10 } }
  const copy = new CachedCopy(join(folder, 'cache'), 'mine:all', 10_000)
  const followed = new FollowedSource({ source, reading, copy, copyRetry: 0, onNews () {} })
  await followed.start()
  t.equal(followed.problem, undefined)
  await t.rejects(copy.read(), 'its folder does not exist, which fails like a full disk')
  mkdirSync(join(folder, 'cache'))
  await followed.refresh()
  t.match(await copy.read(), { version: '1' })
  await followed.close()
})

t.test('two processes can keep a copy of the same line at the same time', async (t) => {
  const folder = makeTestFolder(t)
  const line = 'https://crl.example.org/all.crl'
  const [first, second] = [new CachedCopy(folder, line, 1000), new CachedCopy(folder, line, 1000)]
  const [one, other] = await Promise.all([first.prepare({ bytes: Buffer.from('one') }), second.prepare({ bytes: Buffer.from('other') })])
  await one.commit()
  t.match(await first.read(), { bytes: Buffer.from('one') })
  await other.commit()
  t.match(await second.read(), { bytes: Buffer.from('other') })
})
