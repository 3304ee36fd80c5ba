/** `fastify-endpoint check` and `status` report the line `cdp:` and other sources. */
import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { CheckReport, StatusReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { refusing } from '../support/http-source.js'
import { at, freshest, makePointsSite } from '../support/points.js'

t.test('check shows each point with its CRL', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, ca } = site
  places.put('/root.crl', ca, [site.mallory], { number: 7, extensions: [freshest(places.url('/delta.crl'))] })
  places.put('/delta.crl', ca, [site.alice], { number: 8, base: 7, nextUpdate: new Date(Date.now() - 1000) })
  await appendFile(site.path('revoked.txt'), `cdp:\n${places.url('/issuing.crl').replace('//', '//user:SECRET@')}\n`)
  const { status, stdout } = await runMain(['check', site.endpoint()])
  t.equal(status, 0)
  t.notMatch(stdout, /SECRET/)
  t.match(stdout, new RegExp(`\\n {4}line 1: ${places.url('/issuing.crl')}: 1 CRL\\n {6}CRL of CN=Issuing CA: number 1, 0 entries, .*, valid signature\\n`))
  t.match(stdout, new RegExp(`\\n {4}line 2: cdp: 2 distribution points\\n {6}${places.url('/root.crl')}: 1 CRL\\n {8}CRL of CN=Test CA: number 7, 1 entry, .*\\n {6}${places.url('/delta.crl')}: 1 CRL\\n {8}CRL of CN=Test CA: number 8, delta of number 7, 1 entry, `))
  t.match(stdout, new RegExp(`the CRL of CN=Test CA of ${places.url('/delta.crl')} expired on `))
  const { endpoints: [endpoint] } = JSON.parse((await runMain(['check', '--json', site.endpoint()])).stdout) as CheckReport
  t.match(endpoint?.tls?.revocation?.lines.map(({ line, kind, value, sources }) => ({ line, kind, value, sources: sources?.map(({ name, isHeard, entries, crls }) => ({ name, isHeard, entries, crls: crls.length })) })), [
    { line: 1, kind: 'source', value: places.url('/issuing.crl'), sources: [{ name: places.url('/issuing.crl'), isHeard: true, entries: 0, crls: 1 }] },
    { line: 2, kind: 'cdp', value: '', sources: [{ name: places.url('/root.crl') }, { name: places.url('/delta.crl') }] },
    { line: 4, kind: 'source', value: places.url('/issuing.crl') }
  ])
})

t.test('check reports what is wrong, and which CRL the line cannot find', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places } = site
  places.put('/root.crl', site.ca)
  places.put('/other.crl', site.ca)
  await writeFile(site.path('revoked.txt'), `${places.url('/other.crl')}\ncdp:\n`)
  t.match(await runMain(['check', site.endpoint()]), { status: 0, stdout: /warning: no CRL of CN=Issuing CA is in force: only its clients' certificates say where it is, and cdp: does not read those/ })
  places.at.set('/root.crl', refusing(404))
  const { status, stdout } = await runMain(['check', site.endpoint()])
  t.equal(status, 1)
  t.match(stdout, new RegExp(`${places.url('/root.crl')}: nothing usable\\n`))
  t.match(stdout, /problem: FST_ENDPOINT_SOURCE_FAILED: .*root\.crl could not be loaded: it answers 404/)
})

t.test('status names the point whose CRL revokes a certificate', async (t) => {
  const site = await makePointsSite(t, (url) => [at(url('/root.crl'))])
  const { places, mallory } = site
  places.put('/root.crl', site.ca, [mallory])
  const args = [site.path('mallory.pem'), site.endpoint()]
  const { stdout } = await runMain(['status', '--json', ...args])
  t.match((JSON.parse(stdout) as StatusReport).verdicts, [{ status: 'revoked', kind: 'crl', line: 2, source: places.url('/root.crl'), crl: { issuer: 'CN=Test CA', number: '1' } }])
  t.match(await runMain(['status', ...args]), { status: 1, stdout: new RegExp(`it is listed in CRL number 1 of CN=Test CA \\(line 2, ${places.url('/root.crl')}\\) since `) })
})
