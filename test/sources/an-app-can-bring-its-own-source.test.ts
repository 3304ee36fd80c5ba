/** An app registers a source: its revocations take effect at once, and its failures are errors of its line. */
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import Fastify from 'fastify'
import endpoint, { serverFactory, type EndpointOptions, type RevocationContent, type RevocationSource, type RevocationSourceContext } from '../../lib/index.js'
import { identifyCertificate, loadRevocations } from '../../lib/revocation/index.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { ReaderThread } from '../../lib/revocation/thread/reader-thread.js'
import { FollowedSource } from '../../lib/revocation/sources/followed-source.js'
import { RevocationWatcher } from '../../lib/revocation/watch.js'
import { LogCapture } from '../support/log.js'
import { makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'
import { errorOf } from '../support/rejection.js'
import { PATIENCE, until } from '../support/until.js'

const ca = await createAuthority({ name: 'Test CA' })

/** A source whose methods a test can replace. */
class Spoken implements RevocationSource {
  readonly name = 'spoken'
  said: RevocationContent | Error
  onChange = (): void => {}
  signal: AbortSignal | undefined
  loads = 0
  isClosed = false

  constructor (said: RevocationContent | Error) {
    this.said = said
  }

  async load (signal: AbortSignal): Promise<RevocationContent> {
    this.signal = signal
    this.loads++
    if (this.said instanceof Error) throw this.said
    return this.said
  }

  watch (onChange: () => void): void {
    this.onChange = onChange
  }

  close (): void {
    this.isClosed = true
  }
}

async function fail (t: Test, site: Site, options: EndpointOptions, pluginTimeout = PATIENCE): Promise<ReturnType<typeof errorOf>> {
  const app = Fastify({ serverFactory, pluginTimeout })
  t.teardown(() => app.close())
  return await errorOf(() => app.register(endpoint, { endpoint: site.endpoint(), ...options }))
}

const isRevoked = (app: Awaited<ReturnType<typeof startApp>>['app'], { der }: { der: Buffer }): boolean => app.endpoint.listeners[0]?.revocation?.status([der]).status === 'revoked'

t.test('a source is created from its line, followed, and closed with the app', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'Spoken:of\nSpoken:of\n')
  const key = (leaf: { der: Buffer }): string => `tbs:${identifyCertificate(leaf.der).tbs}`
  const source = new Spoken({ keys: [key(site.mallory)], bytes: Buffer.from(site.server.certificate) })
  const made: Array<[string, RevocationSourceContext]> = []
  const sources = {
    spoken: (line: string, context: RevocationSourceContext) => {
      made.push([line, context])
      return source
    }
  }
  const { app } = await startApp(t, [site.endpoint(), site.endpoint()], undefined, { plugin: { sources, limits: { entries: 7 } } })
  t.match(made, [['Spoken:of', { folder: site.folder, limits: { entries: 7, fileBytes: 256 * 1024 * 1024 } }]], 'one object for two endpoints and two lines')
  t.ok(isRevoked(app, site.mallory))
  t.ok(isRevoked(app, site.server))
  source.said = { keys: [key(site.alice)] }
  source.onChange()
  await until('alice is revoked', () => isRevoked(app, site.alice))
  t.notOk(isRevoked(app, site.mallory))

  source.said = { keys: ['tbs:nonsense', 'serial:01@sha256//', 'revoked/*.pem', '# none'] }
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_KEYS', message: /^source spoken: 4 of its keys are invalid/, line: 1 })
  t.ok(isRevoked(app, site.alice), 'an invalid key admits no client')
  source.said = { keys: [], problems: [new Error('half of me is away')] }
  t.match(await app.endpoint.reload().catch((thrown: Error) => thrown), { message: 'half of me is away' })
  for (const [said, code, message] of [
    [{}, 'FST_ENDPOINT_SOURCE_FAILED', /it returned neither bytes nor keys$/],
    [{ bytes: Buffer.alloc(0) }, 'FST_ENDPOINT_FILE_EMPTY', /^source spoken is empty: return keys: \[\] to revoke nobody$/],
    [{ keys: Array(8).fill(key(site.alice)) }, 'FST_ENDPOINT_SOURCE_TOO_LARGE', /more keys than limits.entries allows \(7\): check that it is the right source, or raise the limit$/],
    [{ keys: distinctKeys(7), bytes: Buffer.from(site.server.certificate) }, 'FST_ENDPOINT_SOURCE_TOO_LARGE', /more keys than limits.entries allows \(7\)/],
    [new Error('postgres://me:SECRET@db is away'), 'FST_ENDPOINT_SOURCE_FAILED', /: postgres:\/\/db is away$/]
  ] as const) {
    source.said = said as RevocationContent
    t.match(await errorOf(() => app.endpoint.reload()), { code, message })
  }
  const { loads } = source
  await app.close()
  t.ok(source.isClosed)
  source.onChange()
  t.equal(source.loads, loads)
})

function distinctKeys (count: number): string[] {
  return Array.from({ length: count }, (_, index) => `spki:sha256//${Buffer.alloc(32, index).toString('base64')}`)
}

t.test('simultaneous requests share one load', async (t) => {
  const source = new Spoken({ keys: [], version: '1' })
  const followed = new FollowedSource({ source, reading: { authorities: Authorities.none, reader: new ReaderThread(), limits: { fileBytes: 1, entries: 1 } }, onNews () {} })
  await followed.start()
  await Promise.all([1, 2, 3, 4].map(() => followed.refresh()))
  t.equal(source.loads, 3, 'the load under way, and one after the last request')
  await followed.close()
})

t.test('a start throws the errors of a source', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'spoken:\n')
  t.match(await fail(t, site, {}), { code: 'FST_ENDPOINT_LIST_UNKNOWN_WORD' })
  t.match(await fail(t, site, { sources: { spoken: () => { throw new Error('no //me:SECRET@db') } } }), { code: 'FST_ENDPOINT_SOURCE_INVALID', message: /line 1: source spoken:…: no \/\/db$/, line: 1 })
  t.match(await fail(t, site, { sources: { spoken: () => new Spoken(new Error('away')) } }), { code: 'FST_ENDPOINT_SOURCE_FAILED' })
  const deaf = Object.assign(new Spoken({ keys: [] }), { load: () => new Promise<RevocationContent>(() => {}) })
  t.match(await fail(t, site, { sources: { spoken: () => deaf } }, 6000), { code: 'FST_ENDPOINT_SOURCE_TIMEOUT', message: /^source spoken could not be loaded within \d+ ms: check that its server responds, and that no firewall drops the packets$/ })
  t.ok(deaf.isClosed)
  await writeFile(site.path('revoked.txt'), 'http://[\nredis://\n')
  t.match(await fail(t, site, {}), { code: 'FST_ENDPOINT_SOURCE_INVALID', message: /line 1: source http:…: it is not a URL/, errors: [{ code: 'FST_ENDPOINT_REDIS_ADDRESS', message: /^revocation list .* line 2: write redis:/, line: 2 }] })
  for (const word of ['https', 'tbs', 'Nats', '']) t.match(await fail(t, site, { sources: { [word]: () => deaf } }), { code: 'FST_ENDPOINT_INVALID_OPTION' })
  t.match(await fail(t, site, { sources: { nats: 'nats' as never } }), { code: 'FST_ENDPOINT_INVALID_OPTION', message: /sources\.nats/ })
})

t.test('a source that cannot be watched or closed is reported', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'spoken:\n')
  const clumsy = Object.assign(new Spoken({ keys: [] }), {
    watch () { throw new Error('no eyes') },
    close () { throw new Error('no hands') }
  })
  t.match(await fail(t, site, { sources: { spoken: () => clumsy } }), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /no eyes$/ })
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger, plugin: { sources: { spoken: () => Object.assign(clumsy, { watch () {} }) } } })
  await app.close()
  t.match(await log.line('source spoken could not be closed'), { level: 40, err: { message: /no hands$/ } })
})

t.test('new authorities create new source objects, which keep the revocations of the previous ones', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'spoken:\n')
  const sources: Spoken[] = []
  let said: RevocationContent | Error = { keys: [`tbs:${identifyCertificate(site.mallory.der).tbs}`] }
  const spoken = (): Spoken => {
    const source = new Spoken(said)
    sources.push(source)
    return source
  }
  const { app } = await startApp(t, site.endpoint(), undefined, { plugin: { sources: { spoken } } })
  said = new Error('away')
  const other = await createAuthority({ name: 'Other CA' })
  await writeFile(site.path('ca.pem'), ca.certificate + other.certificate)
  await app.endpoint.reload().catch(() => {})
  await until('the source is closed', () => sources[0]?.isClosed)
  t.equal(sources.length, 2)
  t.ok(isRevoked(app, site.mallory))
  t.equal(app.endpoint.health().status, 'degraded')
})

t.test('loadRevocations loads the built-in sources once', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'http://127.0.0.1:1/crl\n')
  t.match(await errorOf(() => loadRevocations({ list: site.path('revoked.txt') })), { code: 'FST_ENDPOINT_SOURCE_FAILED' })
})

t.test('repeated problems do not multiply the keys of a source', async (t) => {
  const { tbs } = identifyCertificate(ca.der)
  const reader = new ReaderThread()
  t.teardown(() => reader.close())
  const source = new FollowedSource({
    source: new Spoken({ keys: [`tbs:${tbs}`, 'nonsense'] }),
    reading: { authorities: Authorities.none, limits: { fileBytes: 1000, entries: 10 }, reader },
    onNews: () => {}
  })
  for (let load = 0; load < 20; load++) await source.refresh()
  t.equal(source.content?.keys.length, 1)
  t.equal(source.content?.problems.length, 1)
})

t.test('when authorities are removed, a source that has not answered yet keeps the revocations known so far', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'spoken:\n')
  const key = (leaf: { der: Buffer }): string => `tbs:${identifyCertificate(leaf.der).tbs}`
  const [first, second] = [new Spoken({ keys: [] }), Object.assign(new Spoken({ keys: [] }), { load: () => new Promise<RevocationContent>(() => {}) })]
  const both: RevocationSource[] = [first, second]
  const watcher = await RevocationWatcher.start({ file: site.path('revoked.txt'), authorities: new Authorities([ca.x509]), sources: { factories: { spoken: () => both.shift() as RevocationSource } } })
  t.teardown(() => { watcher.close() })
  const narrower = await watcher.startAnother(Authorities.none)
  t.teardown(() => { narrower.close() })
  t.equal(narrower.set.size, 0)
  first.said = { keys: [key(site.mallory)] }
  await watcher.reload()
  await narrower.catchUp()
  t.equal(narrower.set.size, 1, 'the second has never answered')

  const reading = { authorities: Authorities.none, limits: { fileBytes: 1000, entries: 10 }, reader: new ReaderThread() }
  const source = new Spoken({ keys: [] })
  const followed = new FollowedSource({ source, reading, onNews () {} })
  await followed.start()
  source.said = { keys: [key(site.alice)] }
  await followed.catchUp(undefined)
  t.equal(followed.content?.keys.length, 1, 'a source that has answered is loaded again')
})
