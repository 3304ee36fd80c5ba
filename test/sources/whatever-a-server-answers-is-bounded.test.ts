/**
 * An HTTP server may be broken or hostile. Every invalid answer is an error in time, with a message that gives the
 * reason and holds no credentials.
 */
import type { LookupAddress } from 'node:dns'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { lookupWithin } from '../../lib/revocation/sources/reach.js'
import { HttpSource } from '../../lib/revocation/sources/http/source.js'
import { refusing, saying, startHttp, type Respond } from '../support/http-source.js'
import { errorOf } from '../support/rejection.js'
import { until } from '../support/until.js'

const LIMIT = 64 * 1024
const context = { limits: { fileBytes: LIMIT, entries: 10 } }

/** Answers like HTTP/1.0: the body ends with the connection. */
function untilClosed (body: Uint8Array | string, headers: Record<string, string> = {}): Respond {
  return (_request, response) => {
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, { ...headers, connection: 'close' })
    response.write(body)
    response.end()
  }
}

const cases: ReadonlyArray<readonly [string, Respond, RegExp]> = [
  ['404', refusing(404), /^it answers 404$/],
  ['500', refusing(500), /^it answers 500$/],
  ['304 without known content', refusing(304), /^it answers 304 to a request without a condition$/],
  ['nothing', saying(''), /^the response is empty$/],
  ['an early end', (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('x'.repeat(500), () => { response.destroy() })
  }, /^the response was cut short$/],
  ['gzip with an early end', (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    response.end(gzipSync('x'.repeat(1000)).subarray(0, 20))
  }, /unexpected end of file/],
  ['a length beyond the limit', saying('x', { 'content-length': String(LIMIT + 1) }), /holds more bytes than limits.fileBytes allows \(65536\): check that it is the right source/],
  ['pieces without end', (_request, response) => {
    const write = (): void => { if (!response.destroyed) response.write(Buffer.alloc(16 * 1024), write) }
    write()
  }, /holds more bytes than limits.fileBytes allows/],
  ['a gzip bomb', saying(gzipSync(Buffer.alloc(32 * 1024 * 1024)), { 'content-encoding': 'gzip' }), /holds more bytes than limits.fileBytes allows/],
  ['another encoding', saying('x', { 'content-encoding': 'br' }), /an encoding that was not requested$/],
  ['no answer', () => {}, /^no data came for 300 ms$/],
  ['no end', (_request, response) => { response.write('x') }, /^(no data came for 300 ms|the response was cut short)$/],
  ['PEM that ends with the connection', untilClosed('-----BEGIN X509 CRL-----\n'), /^the response ends with the connection, so it may be incomplete: have the server send Content-Length$/],
  ['truncated DER that ends with the connection', untilClosed(Buffer.from('30050101', 'hex')), /so it may be incomplete/],
  ['gzip of PEM that ends with the connection', untilClosed(gzipSync('-----BEGIN X509 CRL-----\n'), { 'content-encoding': 'gzip' }), /so it may be incomplete/],
  ['a redirect to itself', (request, response) => { refusing(302, { location: request.url ?? '' })(request, response) }, /^it redirects more than 3 times$/],
  ['a redirect to nowhere', refusing(301), /^it answers 301 without a usable Location$/],
  ['a redirect to a file', refusing(307, { location: 'file:///etc/passwd' }), /^it redirects to a file: address$/],
  ['a redirect to a private address', refusing(308, { location: 'http://10.0.0.1/crl' }), /^it redirects from a loopback address to a private one \(10\.0\.0\.1\)/],
  ['a redirect to the metadata of a cloud', refusing(303, { location: 'http://169.254.169.254/latest' }), /^it redirects from a loopback address to a link-local one/]
]

for (const [name, answer, message] of cases) {
  t.test(`an invalid answer is an error in time: ${name}`, async (t) => {
    const server = await startHttp(t, answer)
    const source = new HttpSource(server.url('/crl?token=SECRET').replace('//', '//user:SECRET@'), context, { idle: 300 })
    const thrown = await source.load(AbortSignal.timeout(20_000)).then(() => new Error('nothing was thrown'), (thrown: Error) => thrown)
    t.match(thrown.message, message)
    t.notMatch(`${thrown.message} ${source.name}`, /SECRET/)
  })
}

t.test('a load that takes too long ends with the reason of its abort signal', async (t) => {
  const server = await startHttp(t, (_request, response) => {
    const timer = setInterval(() => { response.write('x') }, 20)
    response.on('close', () => { clearInterval(timer) })
  })
  const ending = new AbortController()
  const loading = new HttpSource(server.url(), context).load(ending.signal)
  await until('the server is asked', () => server.asked.length > 0)
  ending.abort(new Error('too long'))
  await t.rejects(loading, { message: 'too long' })
  await t.rejects(new HttpSource(server.url(), context).load(AbortSignal.abort(new Error('too late'))), { message: 'too late' })
})

t.test('a redirect to an address of the same kind is followed, without credentials for another server', async (t) => {
  const other = await startHttp(t, saying('there'))
  const server = await startHttp(t, (request, response) => {
    refusing(302, { location: request.url === '/crl' ? '/near' : `http://localhost:${other.port}/far` })(request, response)
  })
  const source = new HttpSource(server.url('/crl').replace('//', '//user:p%40ss@'), context)
  const { bytes } = await source.load(AbortSignal.timeout(20_000))
  t.equal(Buffer.from(bytes ?? []).toString(), 'there')
  const authorization = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
  t.match(server.asked.map(({ headers }) => headers.authorization), [authorization, authorization])
  t.same(other.asked.map(({ headers }) => headers.authorization), [undefined])
})

t.test('the address behind the host name of a redirect is checked', async (t) => {
  const resolve = (hostname: string, all: boolean): Promise<{ error: Error | null, address: string | LookupAddress[] }> => new Promise((resolve) => {
    lookupWithin({ kinds: new Set(['public']), who: 'it redirects from a public address' })(hostname, { all }, (error, address) => { resolve({ error, address }) })
  })
  t.match(await resolve('127.0.0.1', true), { error: { message: /from a public address to a loopback one \(127\.0\.0\.1\)/ } })
  t.match(await resolve('::ffff:127.0.0.1', false), { error: { message: /a loopback one/ } })
  t.match(await resolve('93.184.215.14', true), { error: null, address: [{ address: '93.184.215.14' }] })
  t.match(await resolve('93.184.215.14', false), { error: null, address: '93.184.215.14' })
  t.match(await resolve('nowhere.invalid', true), { error: { code: /ENOTFOUND|EAI_AGAIN/ } })
})

t.test('gzip is accepted, and a digest detects changes without validators', async (t) => {
  const server = await startHttp(t, saying(gzipSync('x'.repeat(200_000)), { 'content-encoding': 'gzip' }))
  const source = new HttpSource(server.url(), { limits: { fileBytes: 10 * LIMIT, entries: 10 } })
  const { bytes, version } = await source.load(AbortSignal.timeout(20_000))
  t.equal(bytes?.length, 200_000)
  t.same(await source.load(AbortSignal.timeout(20_000), version), { version })
  server.answer = saying('y')
  t.match(await source.load(AbortSignal.timeout(20_000), version), { bytes: Buffer.from('y') })
  t.match((await source.load(AbortSignal.timeout(20_000), 'damaged')).bytes, Buffer.from('y'))
})

t.test('a complete DER element is accepted even if the connection ends without a length', async (t) => {
  const der = Buffer.from('3003020101', 'hex')
  for (const answer of [untilClosed(der), untilClosed(gzipSync(der), { 'content-encoding': 'gzip' })]) {
    const server = await startHttp(t, answer)
    t.match(await new HttpSource(server.url(), context).load(AbortSignal.timeout(20_000)), { bytes: der })
  }
})

t.test('a stale source is requested again, and a closed source is not', async (t) => {
  const server = await startHttp(t, saying('x', { 'cache-control': 'max-age=0' }))
  const source = new HttpSource(server.url(), context, { floor: 5, ceiling: 10 })
  const timer = setTimeout(() => { t.fail('it was not asked again') }, 20_000)
  await source.load(AbortSignal.timeout(20_000))
  await new Promise<void>((resolve) => { source.watch(resolve) })
  clearTimeout(timer)
  source.close()
  await source.load(AbortSignal.timeout(20_000))
  t.match(await errorOf(() => new HttpSource('http://%', context)).catch((thrown: Error) => thrown), { message: 'it is not a URL: write https://host/path' })
  t.throws(() => new HttpSource('https://user:12/SECRET@crl.test/x', context), { message: 'there is an @ in its path: write / in a user or password as %2F, and @ in a path as %40' })
  await server.stop()
  await t.rejects(source.load(AbortSignal.timeout(20_000)), { code: 'ECONNREFUSED' })
})
