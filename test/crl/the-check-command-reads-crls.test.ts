import { writeFile } from 'node:fs/promises'
import t from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { keyIdOf } from '../support/crl.js'
import { makeCrlSite } from '../support/crl-site.js'
import { createAuthority } from '../support/pki.js'

t.test('fastify-endpoint check reads CRLs, and reports those that do not count', async (t) => {
  const site = await makeCrlSite(t)
  const check = async () => await runMain(['check', site.strict('unknownStatus=deny', 'expiredCrl=deny')])
  await site.list('ca', site.ca, [site.mallory])
  t.equal((await check()).status, 0)
  await site.list('other', await createAuthority({ name: 'Other' }))
  const { status, stdout } = await check()
  t.equal(status, 1)
  t.match(stdout, /other\.crl.*the CRL is ignored: its issuer is not in authorities/s)
})

t.test('the command shows the issuer, number, dates, entries and signer of each CRL, and whether it counts', async (t) => {
  const site = await makeCrlSite(t)
  const signer = await createAuthority({ name: 'CRL signer', issuer: site.ca })
  await writeFile(site.path('ca.pem'), site.ca.certificate + signer.certificate)
  const thisUpdate = new Date('2026-01-01T00:00:00Z')
  const nextUpdate = new Date('2036-01-01T00:00:00Z')
  await site.list('a', site.ca, [site.mallory], { number: 7, thisUpdate, nextUpdate })
  await site.list('b', site.ca, [], { number: 6, thisUpdate: new Date('2025-01-01T00:00:00Z') })
  await site.list('c', site.ca, [], { number: 8, base: 7, thisUpdate, nextUpdate: null })
  await site.list('d', signer, [], { keyId: keyIdOf(signer.der), thisUpdate, nextUpdate })
  const { status, stdout } = await runMain(['check', '--json', site.strict()])
  t.equal(status, 0)
  const [line] = (JSON.parse(stdout) as CheckReport).endpoints[0]?.tls?.revocation?.lines ?? []
  t.match(line, { line: 1, kind: 'pattern', value: '*.crl', files: 4, certificates: 0 })
  t.same(line?.crls?.map(({ file, ...crl }) => ({ ...crl, file: file.replace(/.*\//, '') })).slice(0, 1), [{
    file: 'a.crl', issuer: 'CN=Test CA', number: '7', thisUpdate: thisUpdate.toISOString(), nextUpdate: nextUpdate.toISOString(), entries: 1, signer: 'CN=Test CA', isInForce: true
  }])
  t.match(line?.crls?.slice(1), [
    { number: '6', isInForce: false },
    { number: '8', baseNumber: '7', isInForce: true },
    { issuer: 'CN=CRL signer', signer: 'CN=CRL signer' }
  ])
  t.match((await runMain(['check', site.strict()])).stdout, /\n {6}CRL of CN=Test CA: number 7, 1 entry, 2026-01-01T00:00:00\.000Z to 2036-01-01T00:00:00\.000Z, valid signature, in ".*a\.crl"\n/)
})
