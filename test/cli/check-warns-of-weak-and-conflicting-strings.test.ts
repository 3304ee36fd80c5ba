import { chmod, mkdir, writeFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import type { CheckReport, CheckWarning } from '../../types/command-line.js'
import { runMain } from '../support/command-line.js'
import { makeCrlSite as makeOpenCrlSite, type CrlSite } from '../support/crl-site.js'
import { makeSite as makeOpenSite, type Site } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000

async function makeSite (t: Test): Promise<Site> {
  return await closed(await makeOpenSite(t))
}

async function makeCrlSite (t: Test): Promise<CrlSite> {
  return await closed(await makeOpenCrlSite(t))
}

/** Makes the key unreadable for other users. */
async function closed<S extends Site> (site: S): Promise<S> {
  await chmod(site.path('server.key'), 0o600)
  return site
}

async function warningsOf (text: string, now?: number): Promise<readonly CheckWarning[]> {
  const { status, stdout } = await runMain(['check', '--json', text], now === undefined ? {} : { now: () => now })
  if (status !== 0) throw new Error(stdout)
  return (JSON.parse(stdout) as CheckReport).endpoints[0]?.warnings ?? []
}

t.test('check warns of strings that use the same place', async (t) => {
  const key = ':privateKey=server.key'
  for (const [first, second, advice] of [
    ['stdio', 'stdio', 'only one endpoint can listen on descriptor 0'],
    ['stdio', 'fd:1', 'can listen on descriptor 1'],
    ['fd:3', 'haproxy:fd:3', 'can listen on descriptor 3'],
    ['systemd:INET:1', 'fd:4', 'can listen on descriptor 4'],
    ['systemd:INET:name=a', 'systemd:INET:name=a', 'can listen on the descriptor of INET that is named a'],
    ['tcp:80', 'haproxy:tcp:80', 'give each endpoint a port of its own'],
    ['tcp:80', 'tcp:80:reusePort=1', 'give each endpoint a port of its own'],
    ['tcp6:80', 'tcp6:80:ipv6Only=1', 'give each endpoint a port of its own'],
    ['tcp:80', 'tcp6:80', '[::]:80 also takes IPv4: write ipv6Only=1 there'],
    ['tcp6:80', 'tcp:80:interface=127.0.0.1', '[::]:80 also takes IPv4: write ipv6Only=1 there'],
    ['tcp:80', `tls:80:interface=\\:\\:${key}`, 'write transport=tcp6\\:80\\:ipv6Only=1 instead of port and interface there'],
    ['tcp:80', `ssl:80:interface=\\:\\:${key}`, 'write another port there'],
    [`tls:transport=tcp6\\:80${key}`, 'tcp:80', 'write ipv6Only=1 there'],
    ['tcp:80', 'tcp:80:interface=127.0.0.1', '0.0.0.0:80 takes every address'],
    ['tcp6:80:interface=\\:\\:1', 'tcp6:80:ipv6Only=1', '[::]:80 takes every address'],
    ['tcp6:80:interface=\\:\\:1', 'tcp6:80:interface=0\\:0\\:0\\:0\\:0\\:0\\:0\\:1', 'a port of its own'],
    ['tcp6:80:interface=\\:\\:ffff\\:127.0.0.1', 'tcp:80:interface=localhost', 'a port of its own'],
    ['unix:/tmp/a', 'unix:/tmp/b/../a:mode=600', 'give each endpoint a path of its own'],
    ['unix:/none/a', 'unix:/none/a.lock', '"/none/a.lock" is the lock of the other endpoint: choose another path, or write lockfile=0'],
    ['unix:/none/a.lock:lockfile=0', 'unix:/none/a', '"/none/a.lock" is the lock of the other endpoint']
  ] as const) {
    const { stdout } = await runMain(['check', '--json', first, second])
    const warnings = (JSON.parse(stdout) as CheckReport).endpoints[1]?.warnings ?? []
    t.ok(warnings.some(({ kind, message }) => kind === 'unfit' && message.startsWith('one app cannot listen on') && message.includes(first === second ? 'the same string' : first) && message.includes(advice)), `${first} ${second}: ${stdout}`)
  }
  for (const strings of [['tcp:0', 'tcp:0'], ['tcp:80', 'tcp6:80:ipv6Only=1'], ['tcp:80', 'tcp6:81'], ['tcp:80:interface=127.0.0.1', 'tcp:80:interface=127.0.0.2'], ['tcp:80', 'tcp6:80:interface=\\:\\:1'], ['tcp:80', 'stdio'], ['tcp:80:reusePort=1', 'tcp:80:reusePort=1'], ['systemd:INET:0', 'systemd:INET:1'], ['systemd:INET:name=a', 'systemd:UNIX:name=a'], ['unix:/tmp/a:lockfile=0', 'unix:/tmp/a.lock']]) {
    t.notMatch((await runMain(['check', ...strings])).stdout, /one app cannot/, strings.join(' '))
  }
})

t.test('check shows no warning for a good string', async (t) => {
  const site = await makeSite(t)
  t.same(await warningsOf(site.endpoint()), [])
})

t.test('check warns of a certificate that expires soon, has expired or is not valid yet', async (t) => {
  const site = await makeSite(t)
  const text = site.endpoint()
  const argumentsAt = async (now: number): Promise<unknown[]> => (await warningsOf(text, now)).map(({ kind, argument, message }) => [kind, argument, message.replace(/\d{4}-\d\d-\d\d/, 'DATE')])
  t.same(await argumentsAt(Date.now() + 350 * DAY), [['expiry', 'certKey', 'the certificate of CN=localhost expires on DATE: renew it']])
  t.same(await argumentsAt(Date.now() + 400 * DAY), [['expiry', 'certKey', 'the certificate of CN=localhost expired on DATE: renew it']])
  t.match(await argumentsAt(Date.now() - 9 * DAY), [['expiry', 'certKey', /is not valid before/], ['expiry', 'authorities', /is not valid before/]])
})

t.test('check warns of insecure TLS versions and of ciphers that no client can negotiate', async (t) => {
  const site = await makeSite(t)
  t.match(await warningsOf(site.endpoint(':sslmethod=TLSv1_1_METHOD+TLSv1_2_METHOD')), [{ kind: 'weak', argument: 'sslmethod', message: /^TLSv1\.1 can be negotiated, which RFC 8996 forbids/ }])
  t.match(await warningsOf(site.endpoint(':ciphers=ECDHE-RSA-AES128-GCM-SHA256')), [{ kind: 'no-effect', argument: 'ciphers', message: /^TLSv1\.2 is allowed, but no client can negotiate it/ }])
  t.match(await warningsOf(site.endpoint(':sslmethod=TLSv1_2_METHOD:ciphers=ECDHE-ECDSA-NULL-SHA,@SECLEVEL=0')), [{ kind: 'weak', argument: 'ciphers', message: /^ECDHE-ECDSA-NULL-SHA can be negotiated with TLSv1\.2/ }])
})

t.test('check warns of files that every user can read or change', async (t) => {
  const site = await makeSite(t)
  await chmod(site.path('server.key'), 0o644)
  await chmod(site.path('revoked.txt'), 0o666)
  await chmod(site.folder, 0o777)
  const warnings = await warningsOf(site.endpoint())
  t.match(warnings.map(({ kind, argument, message }) => [kind, argument, message]), [
    ['exposed', 'privateKey', /every user of this machine can read ".*server\.key" \(mode 644\)/],
    ['exposed', 'authorities', /can replace the files in/],
    ['exposed', 'revokedFile', /can change ".*revoked\.txt" \(mode 666\)/],
    ['exposed', 'revokedFile', /can replace the files in/]
  ])
  await chmod(site.folder, 0o755)
})

t.test('check warns of a chain in the wrong order and of a missing intermediate', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('server.pem'), site.server.certificate + site.alice.certificate)
  t.match(await warningsOf(site.endpoint()), [{ kind: 'unfit', argument: 'certKey', message: /^the chain is out of order: put the server certificate first/ }])
})

t.test('check warns of an authority that leads to no anchor', async (t) => {
  const site = await makeSite(t)
  const root = await createAuthority({ name: 'Elsewhere' })
  const stray = await createAuthority({ name: 'Stray', issuer: root })
  await writeFile(site.path('ca.pem'), site.ca.certificate + stray.certificate)
  t.match(await warningsOf(site.endpoint()), [{ kind: 'no-effect', argument: 'authorities', message: /^CN=Stray has no path to a self-signed certificate/ }])
})

t.test('check warns of policies without CRLs and of authorities without a CRL', async (t) => {
  const site = await makeCrlSite(t)
  t.match(await warningsOf(site.strict('unknownStatus=deny', 'expiredCrl=deny')), [
    { kind: 'no-effect', line: 1, message: /^line 1 matches no file/ },
    { kind: 'no-effect', argument: 'unknownStatus' },
    { kind: 'no-effect', argument: 'expiredCrl' }
  ])
  const other = await createAuthority({ name: 'Other' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  await site.list('ca', site.ca)
  t.match(await warningsOf(site.strict('unknownStatus=deny')), [{ kind: 'unfit', argument: 'unknownStatus', message: /^no CRL of CN=Other is in force/ }])
})

t.test('check warns of a CRL that expires soon, has expired, is from the future or has a defect', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca)
  t.match(await warningsOf(site.strict(), Date.now() + 28 * DAY), [{ kind: 'expiry', line: 1, message: /^the CRL of CN=Test CA in ".*ca\.crl" expires on/ }])
  t.match(await warningsOf(site.strict(), Date.now() + 31 * DAY), [{ kind: 'expiry', message: /expired on/ }])
  await site.list('ca', site.ca, [], { thisUpdate: new Date(Date.now() + DAY) })
  t.match(await warningsOf(site.strict()), [{ kind: 'expiry', message: /is from .*, which is in the future/ }])
  await site.list('ca', site.ca, [], { number: null })
  t.match(await warningsOf(site.strict()), [{ kind: 'revocation', message: /proves no certificate good: it has no CRL number/ }])
})

t.test('check warns of an address that this machine does not have and of a missing folder', async (t) => {
  t.match(await warningsOf('tcp:80:interface=192.0.2.1'), [{ kind: 'unfit', argument: 'interface' }])
  t.match(await warningsOf('tcp6:80:interface=2001\\:db8\\:\\:1'), [{ kind: 'unfit', argument: 'interface' }])
  t.same(await warningsOf('tcp:80:interface=127.1.2.3'), [])
  t.same(await warningsOf('tcp6:80:interface=0\\:0\\:0\\:0\\:0\\:0\\:0\\:0'), [])
  t.match(await warningsOf('unix:/nowhere/app.sock'), [{ kind: 'unfit', argument: 'address' }])
})

t.test('check also warns of certificates for server names', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('names'))
  const other = await site.ca.issue({ name: 'example.org', usage: 'server', dnsNames: ['example.org'], notAfter: new Date(Date.now() + DAY / 24) })
  for (const name of ['example.org', 'example.com']) await writeFile(site.path(`names/${name}.pem`), other.key + other.chain, { mode: 0o600 })
  t.match((await warningsOf(site.endpoint(`:sni=${site.path('names')}`))).map(({ kind, file }) => [kind, file?.replace(/.*\//, '')]).sort(), [
    ['expiry', 'example.com.pem'], ['expiry', 'example.org.pem'], ['unfit', 'example.com.pem']
  ])
})
