/**
 * An authority with a key or another part that this Node.js cannot read vouches for no client. It is left out
 * with a warning, and the app still starts with the other authorities.
 */
import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { loadRevocations } from '../../lib/revocation/index.js'
import { alertSeenByNode } from '../support/alerts.js'
import { runMain } from '../support/command-line.js'
import { oid, rewriteCertificate } from '../support/crl.js'
import { pemOf, spkiOf, withKey } from '../support/hostile-keys.js'
import { LogCapture } from '../support/log.js'
import { asClient, get, makeSite, startApp, type Site } from '../support/mutual-tls.js'
import { createAuthority, element, Extension } from '../support/pki.js'

const other = await createAuthority({ name: 'Other' })
const input = (name: string): Promise<Buffer> => readFile(new URL(`inputs/${name}`, import.meta.url))

/** Certificates that cannot be authorities here, each with the reason in the warning. */
const UNREADABLE: ReadonlyArray<readonly [what: string, der: Buffer, why: RegExp]> = [
  ['a key of an unknown kind', withKey(other.der, spkiOf([oid('1.2.643.7.1.1.1.1')], Buffer.alloc(64, 5))), /key of the kind 1\.2\.643\.7\.1\.1\.1\.1.*not supported/],
  ['a key that is not a point', withKey(other.der, spkiOf([oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')], Buffer.of(0))), /EC.*point at infinity/],
  ['a key that OpenSSL rejects', withKey(other.der, spkiOf([oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')], Buffer.alloc(65, 4))), /this Node\.js .* cannot read it/],
  ['an invalid time', noTime(), /validity/],
  ['a key from a real certificate', await input('authority-with-undecodable-key.der'), /1\.2\.643\.2\.2\.19/],
  ['distribution points from a real certificate', await input('authority-with-unreadable-crldp.der'), /not valid DER/]
]

/** Valid from the 30th of February. */
function noTime (): Buffer {
  const validity = element(0x30, element(0x17, Buffer.from('200230000000Z')), element(0x17, Buffer.from('490101000000Z')))
  return rewriteCertificate(other.der, other, (parts) => parts.map((part, index) => index === 4 ? validity : part)).raw
}

const lineOf = (pem: string): number => pem.split('\n').length

function argumentsOf (site: Site, isRevoking: boolean): string {
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  return `:authorities=${named('ca.pem')}${isRevoking ? `:revokedFile=${named('revoked.txt')}` : ''}`
}

for (const [what, der, why] of UNREADABLE) {
  for (const isRevoking of [false, true]) {
    t.test(`${what} is left out with a warning, ${isRevoking ? 'with' : 'without'} a list`, async (t) => {
      const site = await makeSite(t)
      const log = new LogCapture()
      await writeFile(site.path('ca.pem'), site.ca.certificate + pemOf(der))
      const { port } = await startApp(t, site.endpoint(argumentsOf(site, isRevoking)), undefined, { logger: log.logger })
      t.equal((await get(port, asClient(site, site.alice))).status, 200)
      const { level, msg } = await log.line('is left out')
      t.equal(level, 40)
      t.match(msg, why)
      t.ok(msg.startsWith(`authorities "${site.path('ca.pem')}" line ${lineOf(site.ca.certificate)}: `), msg)
      t.match(msg, /: (CN|OGRN|O)=.* is left out/)
    })
  }

  t.test(`${what} causes a warning in check and in status`, async (t) => {
    const site = await makeSite(t)
    await writeFile(site.path('ca.pem'), site.ca.certificate + pemOf(der))
    const warning = { kind: 'no-effect', message: why, argument: 'authorities', file: site.path('ca.pem'), line: lineOf(site.ca.certificate) }
    await hasWarning(t, ['check', site.endpoint()], 0, why)
    const checked = JSON.parse((await runMain(['check', '--json', site.endpoint()])).stdout)
    t.ok(checked.ok)
    t.match(checked.endpoints[0].warnings.filter(({ kind }: { kind: string }) => kind === 'no-effect'), [warning])
    for (const args of [[site.endpoint()], ['--list', site.path('revoked.txt'), '--authorities', site.path('ca.pem')]]) {
      await hasWarning(t, ['status', site.path('alice.pem'), ...args], 0, why)
      t.match(JSON.parse((await runMain(['status', '--json', site.path('alice.pem'), ...args])).stdout), { accepted: true, warnings: [warning] })
    }
  })

  t.test(`${what} as the only authority is an error`, async (t) => {
    const site = await makeSite(t)
    await writeFile(site.path('ca.pem'), pemOf(der))
    for (const isRevoking of [false, true]) {
      await t.rejects(startApp(t, site.endpoint(argumentsOf(site, isRevoking))), { code: 'FST_ENDPOINT_NO_ANCHOR', message: why, file: site.path('ca.pem'), line: 1 })
    }
    t.match(JSON.parse((await runMain(['check', '--json', site.endpoint()])).stdout), { ok: false, endpoints: [{ problems: [{ code: 'FST_ENDPOINT_NO_ANCHOR', message: why, line: 1 }] }] })
    t.match(await runMain(['status', site.path('alice.pem'), site.endpoint()]), { status: 2, stderr: /FST_ENDPOINT_NO_ANCHOR/ })
  })

  t.test(`${what} is left out by loadRevocations`, async (t) => {
    const site = await makeSite(t)
    const warned = new Promise<Error>((resolve) => { process.once('warning', resolve) })
    const set = await loadRevocations({ list: site.path('revoked.txt'), authorities: [site.ca.x509, der] })
    t.match(await warned, { message: why })
    t.match((await warned).message, /authorities\[1\] \(.*=/)
    t.equal(set.status([site.alice.x509]).status, 'good')
    const alone = loadRevocations({ list: site.path('revoked.txt'), authorities: [new X509Certificate(pemOf(der))] })
    await t.rejects(alone, { code: /^FST_ENDPOINT_(PUBLIC_KEY|DER_INVALID)$/, message: why })
  })
}

async function hasWarning (t: Test, args: readonly string[], status: number, why: RegExp): Promise<void> {
  const run = await runMain(args)
  t.equal(run.status, status, run.stderr)
  const text = (run.stdout + run.stderr).replaceAll(/\s+/g, ' ')
  t.match(text, why)
  t.match(text, /is left out/)
}

t.test('a client of an authority that is left out is refused, whatever OpenSSL says', async (t) => {
  const site = await makeSite(t)
  const odd = await createAuthority({ name: 'Odd', extensions: [new Extension('2.5.29.15', true, Buffer.from('0400', 'hex'))], keyUsage: null })
  const bob = await odd.issue({ name: 'bob', usage: 'client' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + odd.certificate)
  const { port } = await startApp(t, site.endpoint())
  t.equal(await alertSeenByNode({ port }, asClient(site, bob)), 'unknown_ca')
  t.equal((await get(port, asClient(site, site.alice))).status, 200)
})

t.test('a reload that adds an unreadable authority warns once, and cuts no other client', async (t) => {
  const site = await makeSite(t)
  const log = new LogCapture()
  const { app, port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger })
  t.strictSame(log.about('is left out'), [])
  for (const [, der] of UNREADABLE) {
    await writeFile(site.path('ca.pem'), site.ca.certificate + pemOf(der))
    await app.endpoint.reload()
    await app.endpoint.reload()
    t.equal((await get(port, asClient(site, site.alice))).status, 200)
  }
  t.equal(log.about('is left out').length, UNREADABLE.length)
  await writeFile(site.path('ca.pem'), pemOf((UNREADABLE[0] as typeof UNREADABLE[0])[1]))
  await t.rejects(app.endpoint.reload(), { code: 'FST_ENDPOINT_NO_ANCHOR' })
  t.equal((await get(port, asClient(site, site.alice))).status, 200, 'the last good content')
})

t.test('a root with an ML-DSA key is left out if OpenSSL does not support ML-DSA', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('ca.pem'), await input('authorities-with-ml-dsa.pem'))
  const { ok, endpoints: [{ warnings }] } = JSON.parse((await runMain(['check', '--json', site.endpoint()])).stdout)
  t.ok(ok)
  const about = warnings.filter(({ message }: { message: string }) => message.includes('left out'))
  if (Number.parseFloat(process.versions.openssl) >= 3.5) t.strictSame(about, [])
  else t.match(about, [{ message: /ML-DSA-65.*this Node\.js/, line: 12 }])
})

t.test('loadRevocations rejects authorities that are not certificates with a coded error', async (t) => {
  for (const bytes of [Buffer.from('garbage'), Buffer.alloc(0), Buffer.from('3003020101', 'hex')]) {
    await t.rejects(loadRevocations({ authorities: [bytes] }), { code: 'FST_ENDPOINT_DER_INVALID' })
  }
})
