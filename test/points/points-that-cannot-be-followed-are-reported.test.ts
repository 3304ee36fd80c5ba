/**
 * Points that cannot or must not be requested are reported once each. Where that would leave revocations out, it is
 * an error.
 */
import { writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { commonNameAttribute, namesPoints, uri, type PointOptions } from '../support/crl.js'
import { LogCapture, type LogLine } from '../support/log.js'
import { makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority, element } from '../support/pki.js'
import { at, brokenFreshest, freshest, makePointsSite, startPlaces } from '../support/points.js'
import { errorOf } from '../support/rejection.js'

const ca = await createAuthority({ name: 'Test CA' })
const LDAP = 'ldap://directory.test/cn=CA?certificateRevocationList'

async function warnings (t: Test, ...points: PointOptions[]): Promise<string[]> {
  const site = await makePointsSite(t, () => [namesPoints(...points)], ca)
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'ready')
  return log.lines.filter(({ level }: LogLine) => level === 40).map(({ msg }) => msg.replace(/^.* line 2: /, ''))
}

t.test('an address that is neither http nor https causes one warning', async (t) => {
  t.same(await warnings(t, { names: [uri(LDAP)] }), ['CN=Issuing CA names an address of ldap, which is not followed'])
  t.same(await warnings(t, { names: [uri('file:///ca.crl'), uri(LDAP)] }), ['CN=Issuing CA names an address of file, ldap, which is not followed'])
  t.same(await warnings(t, { names: [uri('no address')] }), ['CN=Issuing CA names an invalid address, which is not followed'])
  t.same(await warnings(t, { names: [uri(`http://crl.test/${'x'.repeat(2048)}`)] }), ['CN=Issuing CA names an invalid address, which is not followed'])
  t.same(await warnings(t, { relativeName: commonNameAttribute('CRL1') }), ['CN=Issuing CA names a point without an address, which is not followed'])
})

t.test('an ldap address beside an http address is ignored', async (t) => {
  const site = await makePointsSite(t, (url) => [namesPoints({ names: [uri(LDAP), uri(`${url('/root.crl')}#part`)] })], ca)
  site.places.put('/root.crl', ca, [site.mallory], { extensions: [freshest(LDAP)] })
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.ok(site.isRevoked(app, site.mallory))
  t.match(log.lines.filter(({ level }) => level === 40), [{ msg: /CN=Test CA names an address of ldap, which is not followed$/ }])
})

t.test('a warning says that no authority names a point', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), 'cdp:\n')
  const log = new LogCapture()
  await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.match(await log.line('so nothing is followed'), { level: 40, msg: /line 1: no authority names a distribution point with an address of http or https/ })
})

t.test('a line with text after `cdp:` is an error', async (t) => {
  const site = await makeSite(t, ca)
  await writeFile(site.path('revoked.txt'), '# first\ncdp: http://crl.test/\n')
  t.match(await errorOf(() => startApp(t, site.endpoint())), { code: 'FST_ENDPOINT_LIST_SYNTAX', message: /line 2: write cdp: alone/, line: 2 })
})

t.test('loopback and link-local addresses are not requested unless the list names their server', async (t) => {
  for (const [host, kind] of [['127.0.0.1', 'loopback'], ['localhost', 'loopback'], ['169.254.169.254', 'link-local'], ['[::1]', 'loopback'], ['0x7f.1', 'loopback']] as const) {
    const places = await startPlaces(t)
    const root = await createAuthority({ name: 'Test CA', extensions: [at(`http://${host}:${places.port}/root.crl`)] })
    const site = await makeSite(t, root)
    places.put('/root.crl', root)
    places.put('/named.crl', root)
    await writeFile(site.path('revoked.txt'), 'cdp:\n')
    t.match(await errorOf(() => startApp(t, site.endpoint())), {
      code: 'FST_ENDPOINT_SOURCE_FAILED', message: new RegExp(`an authority names an address that leads to a ${kind} one .*: if this is intended, name that address in the list`)
    })
    t.equal(places.asked.length, 0)
    if (host !== '127.0.0.1') continue
    await writeFile(site.path('revoked.txt'), `cdp:\n${places.url('/root.crl')}\n`)
    t.match((await startApp(t, site.endpoint())).app.endpoint.health(), { status: 'ready' })
    t.equal(places.count('/root.crl'), 1, 'and it is requested once')
    await writeFile(site.path('revoked.txt'), `cdp:\n${places.url('/named.crl')}\n`)
    t.match((await startApp(t, site.endpoint())).app.endpoint.health(), { status: 'ready' })
  }
})

t.test('a redirect from a point has the same limits as a redirect from a line', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  site.places.at.set('/root.crl', (_request, response) => { response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end() })
  t.match(await errorOf(() => startApp(t, site.endpoint())), { code: 'FST_ENDPOINT_SOURCE_FAILED', message: /it redirects from a loopback address to a link-local one/ })
})

t.test('too many points are an error, and the first of them count', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))], ca)
  const { places } = site
  places.put('/root.crl', ca, [site.mallory])
  const { app } = await startApp(t, site.endpoint())
  const others = Array.from({ length: 64 }, (_none, index) => ({ names: [uri(places.url(`/${index}.crl`))], reasons: [1 + index % 8], relative: index }))
  const crls = [1, 2, 3, 4, 5, 6, 7, 8].map((part) => others.slice(8 * (part - 1), 8 * part))
  for (const [part, points] of crls.entries()) {
    places.put(`/part${part}.crl`, ca, [], { number: 3 + part, base: 1, extensions: [freshest(...points)] })
    for (const { relative } of points) places.put(`/${relative}.crl`, ca, [], { number: 20 + relative, base: 1 })
  }
  places.put('/root.crl', ca, [site.mallory], { number: 2, extensions: [freshest(...crls.map((_points, part) => ({ names: [uri(places.url(`/part${part}.crl`))], reasons: [1 + part] })))] })
  t.match(await errorOf(() => app.endpoint.reload()), { code: 'FST_ENDPOINT_SOURCE_POINTS', message: /line 2: more than 64 distribution points are named/, line: 2 })
  t.ok(site.isRevoked(app, site.mallory))
  places.put('/root.crl', ca, [], { number: 200 })
  await app.endpoint.reload()
  t.equal(app.endpoint.health().status, 'ready')
})

t.test('an authority with an unreadable extension is an error if its points are to be followed', async (t) => {
  const site = await makePointsSite(t, () => [brokenFreshest(element(0x30, element(0x30, element(0x85))))], ca)
  t.match(await errorOf(() => startApp(t, site.endpoint())), { code: 'FST_ENDPOINT_SOURCE_POINTS', message: /the certificate of an authority cannot be read: .*an unknown part/, line: 2 })
  await writeFile(site.path('revoked.txt'), `${site.places.url('/issuing.crl')}\n`)
  t.match((await startApp(t, site.endpoint())).app.endpoint.health(), { status: 'ready' })
})
