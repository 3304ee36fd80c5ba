import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { parseEndpoint } from '../../lib/index.js'
import { loadCredentials, warningsOfCredentials } from '../../lib/tls/credentials.js'
import type { TlsEndpoint } from '../../types/endpoint.js'
import { LogCapture } from '../support/log.js'
import { asClient, connectTls, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { hasProgram, run } from '../support/programs.js'

const BITS = ['-newkey', 'rsa:512', '-nodes']

async function openssl (t: Test, args: readonly string[]): Promise<void> {
  const { status, stderr } = await run('openssl', args)
  if (status !== 0) t.fail(stderr)
}

/** A certificate below the site's CA, made by openssl, because @peculiar/x509 cannot make one that weak. */
async function issue (t: Test, site: Site, name: string, ...how: string[]): Promise<void> {
  await writeFile(site.path('ca.key'), site.ca.key)
  await writeFile(site.path('ext.cnf'), 'basicConstraints=CA:TRUE\n')
  const strength = how.length === 0 ? BITS : ['-newkey', 'rsa:2048', '-nodes']
  await openssl(t, ['req', ...strength, '-subj', `/CN=${name}`, '-keyout', site.path(`${name}.key`), '-out', site.path(`${name}.csr`)])
  await openssl(t, ['x509', '-req', '-in', site.path(`${name}.csr`), '-CA', site.path('ca.pem'), '-CAkey', site.path('ca.key'), '-extfile', site.path('ext.cnf'), '-out', site.path(`${name}.pem`), ...how])
}

t.test('the error names a server key that is too small for OpenSSL', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await openssl(t, ['req', '-x509', ...BITS, '-subj', '/CN=localhost', '-days', '2', '-keyout', site.path('server.key'), '-out', site.path('server.pem')])
  await t.rejects(loadCredentials(parseEndpoint(site.endpoint()) as TlsEndpoint), {
    code: 'FST_ENDPOINT_CERTIFICATE_INVALID',
    argument: 'certKey',
    file: site.path('server.pem'),
    message: /security level rejects it, because the certificate of "CN=localhost" has a key of the kind RSA 512/
  })
})

t.test('the error names a certificate higher in the chain whose key is too small', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await issue(t, site, 'feeble')
  await writeFile(site.path('server.pem'), site.server.chain + await readFile(site.path('feeble.pem'), 'utf8'))
  await t.rejects(loadCredentials(parseEndpoint(site.endpoint()) as TlsEndpoint), {
    code: 'FST_ENDPOINT_CERTIFICATE_INVALID',
    message: /because the certificate of "CN=feeble" has a key of the kind RSA 512/
  })
})

t.test('the log warns of authorities that are too weak for any client below them', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await issue(t, site, 'feeble')
  await issue(t, site, 'forgeable', '-sha1')
  await writeFile(site.path('ca.pem'), site.ca.certificate + await readFile(site.path('feeble.pem'), 'utf8') + await readFile(site.path('forgeable.pem'), 'utf8'))
  const warnings = warningsOfCredentials(await loadCredentials(parseEndpoint(site.endpoint()) as TlsEndpoint))
  t.match(warnings, [
    { argument: 'authorities', file: site.path('ca.pem'), message: /the certificate of "CN=feeble" has a key of the kind RSA 512/ },
    { argument: 'authorities', message: /the certificate of "CN=forgeable" is signed with SHA-1/ }
  ])
  t.same(warningsOfCredentials(await loadCredentials(parseEndpoint(site.endpoint(`:authorities=${site.path('ca.pem')}:ciphers=ALL,@SECLEVEL=0`)) as TlsEndpoint)), [])
})

t.test('a client whose key is too small is refused, and the reason says so', async (t) => {
  if (!hasProgram(t, 'openssl')) return
  const site = await makeSite(t)
  await issue(t, site, 'feeble')
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  const [chain, key] = await Promise.all(['pem', 'key'].map((ending) => readFile(site.path(`feeble.${ending}`), 'utf8'))) as [string, string]
  const client = connectTls(port, { ...asClient(site, { chain, key }), ciphers: 'DEFAULT:@SECLEVEL=0', maxVersion: 'TLSv1.2' })
  await t.rejects(client)
  t.match(await log.line('client rejected'), { detail: 'EE certificate key too weak', subject: '"CN=feeble"' })
})
