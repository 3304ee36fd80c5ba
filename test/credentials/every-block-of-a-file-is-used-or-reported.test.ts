import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { CheckReport } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'

const input = (file: string): string => readFileSync(fileURLToPath(new URL(`inputs/${file}`, import.meta.url)), 'utf8')

/** A block with another label from one of the inputs. */
function blockOf (file: string): string {
  return input(file).slice(input(file).indexOf('-----END CERTIFICATE-----\n') + '-----END CERTIFICATE-----\n'.length)
}

const TRUSTED = blockOf('TRUSTED-CERTIFICATE.pem')
const CRL = blockOf('X509-CRL.pem')

async function append (site: Site, file: string, text: string): Promise<void> {
  await writeFile(site.path(file), await readFile(site.path(file), 'utf8') + text)
}

async function reportOf (text: string): Promise<CheckReport['endpoints'][number]> {
  const { endpoints: [report] } = JSON.parse((await runMain(['check', '--json', text])).stdout) as CheckReport
  return report as CheckReport['endpoints'][number]
}

const missed: Array<[what: string, file: string, argument: string, block: (site: Site) => string, message: RegExp]> = [
  ['a TRUSTED CERTIFICATE among the authorities', 'ca.pem', 'authorities', () => TRUSTED, /line \d+: the block TRUSTED CERTIFICATE is not read.* Convert it with openssl x509$/],
  ['a CRL among the authorities', 'ca.pem', 'authorities', () => CRL, /line \d+: the block X509 CRL revokes nobody here\. Move it to a file of its own that the list of revokedFile names$/],
  ['a label in lower case', 'ca.pem', 'authorities', ({ ca }) => ca.certificate.replaceAll('CERTIFICATE', 'certificate'), /the block certificate is not read\. Write its label in capitals, at its BEGIN and its END: CERTIFICATE$/],
  ['PKCS #7 among the authorities', 'ca.pem', 'authorities', ({ ca }) => ca.certificate.replaceAll('CERTIFICATE', 'PKCS7'), /the block PKCS7 is not read\. Write out its certificates with openssl pkcs7 -print_certs$/],
  ['a TRUSTED CERTIFICATE in the chain', 'server.pem', 'certKey', () => TRUSTED, /the block TRUSTED CERTIFICATE is not read/],
  ['PKCS #7 in extraCertChain', 'extra.pem', 'extraCertChain', ({ ca }) => ca.certificate.replaceAll('CERTIFICATE', 'PKCS7'), /the block PKCS7 is not read/]
]

for (const [what, file, argument, block, message] of missed) {
  t.test(`${what} is an error that names the line and what to do`, async (t) => {
    const site = await makeSite(t)
    const text = `${site.endpoint()}:extraCertChain=${site.path('extra.pem')}`
    await writeFile(site.path('extra.pem'), site.ca.certificate)
    await append(site, file, block(site))
    const problem = { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', argument, file: site.path(file), line: Number, message }
    await t.rejects(startApp(t, text), problem)
    t.match((await reportOf(text)).problems, [problem])
  })
}

t.test('a reload with such a block keeps the previous authorities in force', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint())
  await append(site, 'ca.pem', CRL)
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_CERTIFICATE_INVALID', argument: 'authorities' })
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('the start, a reload and check warn of a block without certificates', async (t) => {
  const site = await makeSite(t)
  await append(site, 'ca.pem', site.alice.key)
  const log = new LogCapture()
  const { app } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const message = /line \d+: the block PRIVATE KEY has no effect here\. Take it out of the file$/
  t.match(log.about('has no effect here'), [{ level: 40, msg: message }])
  t.match((await reportOf(site.endpoint())).warnings.filter(({ argument }) => argument === 'authorities'), [{ kind: 'no-effect', file: site.path('ca.pem'), line: Number, message }])
  await append(site, 'server.pem', site.ca.certificate.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'))
  await app.endpoint.reload()
  t.match(log.about('the block CERTIFICATE REQUEST has no effect here'), [{ level: 40 }])
})

t.test('a key and its parameters beside the certificate cause no warning', async (t) => {
  const site = await makeSite(t)
  await append(site, 'server.pem', `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${site.server.key}`)
  const log = new LogCapture()
  await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.same(log.about('has no effect'), [])
})

t.test('a block whose BEGIN is not in capitals is an error, also in a file that the list names', async (t) => {
  const site = await makeSite(t)
  const begin = '-----BEGIN CERTIFICATE'
  const mallory = site.mallory.certificate.replace(begin, begin.replace('BEGIN', 'begin'))
  await append(site, 'ca.pem', mallory)
  const problem = { code: 'FST_ENDPOINT_FILE_INVALID', message: /line \d+: write BEGIN and END in capitals/ }
  await t.rejects(startApp(t, site.endpoint()), { ...problem, argument: 'authorities' })
  await writeFile(site.path('ca.pem'), site.ca.certificate)
  await writeFile(site.path('revoked.pem'), site.alice.certificate + mallory)
  await site.revoke('revoked.pem')
  await t.rejects(startApp(t, site.endpoint()), problem)
})
