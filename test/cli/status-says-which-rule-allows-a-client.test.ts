import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { quoteEndpointArgument } from '../../lib/index.js'
import type { StatusReport } from '../../types/command-line.js'
import { alternativeNames, DNS, generalName, URI } from '../support/allowed.js'
import { type AllowedSite, issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'
import { asClient, get, startApp } from '../support/mutual-tls.js'
import { createAuthority, type Issued } from '../support/pki.js'

async function statusOf (...args: string[]): Promise<{ exit: number, report: StatusReport, stderr: string }> {
  const { status, stdout, stderr } = await runMain(['status', '--json', ...args])
  if (stdout === '') throw new Error(stderr)
  return { exit: status, report: JSON.parse(stdout) as StatusReport, stderr }
}

/** A string that has no revocation list. */
function onlyAllowed (site: AllowedSite): string {
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  return site.endpoint(`:authorities=${named('ca.pem')}:allowedFile=${named('allowed.txt')}`)
}

t.test('status shows the lines that allow a client, and the roles of all of them', async (t) => {
  const site = await makeAllowedSite(t, ['# names', 'uri:spiffe://example.org/ns/*  role=reader', 'cn:bob', 'uri:spiffe://example.org/ns/a role=writer,reader', 'cn:nobody role=admin'])
  await site.write('orders', await issueWorkload(site.ca, 'spiffe://example.org/ns/a'))
  const list = site.path('allowed.txt')
  t.match(await statusOf(site.path('orders.pem'), site.allowed), {
    exit: 0,
    stderr: '',
    report: {
      accepted: true,
      names: [{ kind: 'uri', value: 'spiffe://example.org/ns/a', problem: undefined }],
      rule: 'uri:spiffe://example.org/ns/a',
      verdicts: [{
        status: 'good',
        accepted: true,
        allowed: {
          list,
          isAllowed: true,
          roles: ['reader', 'writer'],
          rules: [
            { line: 2, kind: 'uri', pattern: 'spiffe://example.org/ns/*', roles: ['reader'], isForPath: true },
            { line: 4, kind: 'uri', pattern: 'spiffe://example.org/ns/a', roles: ['writer', 'reader'], isForPath: true }
          ]
        }
      }]
    }
  })
  const { stdout } = await runMain(['status', site.path('orders.pem'), site.allowed])
  t.match(stdout, new RegExp(`\n {2}good by "${site.path('revoked.txt')}" of tls:.*\n {4}allowed by "${list}" line 2: uri:spiffe://example.org/ns/\\* role=reader\n {4}allowed by .* line 4: .*\n {4}its roles: reader, writer\n`))
  t.notMatch(stdout, /to allow it/)
  await site.write('bob', await site.ca.issue({ name: 'bob', usage: 'client' }))
  t.match(await runMain(['status', site.path('bob.pem'), site.allowed]), { status: 0, stdout: /allowed by .* line 3: cn:bob\n {4}it has no roles\n/ })
})

t.test('status shows the names of a client that no rule matches, and the line that would allow it', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const names = [generalName(DNS, '*.example.org'), generalName(DNS, 'Shop.example.org'), generalName(URI, 'spiffe://example.org/a'), generalName(URI, 'spiffe://example.org/b'), generalName(DNS, 'a\u001b[2J')]
  await site.write('bob', await site.ca.issue({ name: 'bob', usage: 'client', extensions: [alternativeNames(...names)] }))
  const { exit, report } = await statusOf(site.path('bob.pem'), site.allowed)
  t.equal(exit, 1)
  t.match(report, { accepted: false, rule: 'dns:shop.example.org', verdicts: [{ status: 'good', accepted: false, allowed: { isAllowed: false, roles: [], rules: [] } }] })
  t.same(report.names.map(({ kind, value, problem }) => [kind, value, problem?.replace(/ID .*/, 'ID')]), [
    ['dns', '*.example.org', 'it has a "*"'],
    ['dns', 'shop.example.org', undefined],
    ['uri', 'spiffe://example.org/a', 'it is not the SPIFFE ID'],
    ['uri', 'spiffe://example.org/b', 'it is not the SPIFFE ID'],
    ['dns', 'a\u001b[2J', 'it has a control character'],
    ['cn', 'bob', undefined]
  ])
  const { stdout } = await runMain(['status', site.path('bob.pem'), site.allowed])
  t.match(stdout, /\n {4}no rule of ".*allowed\.txt" matches a name of it, so the client is rejected \(access_denied\)\n {6}dns: \*\.example\.org matches no rule: it has a "\*"\n {6}dns: shop\.example\.org\n/)
  t.match(stdout, /\n {6}dns: a<U\+001B>\[2J matches no rule: it has a control character\n/)
  t.match(stdout, /\n {2}to allow it, add this line to the allowed list\n {4}dns:shop\.example\.org\n/)
  await appendFile(site.path('allowed.txt'), `${report.rule}\n`)
  t.match(await statusOf(site.path('bob.pem'), site.allowed), { exit: 0, report: { accepted: true } })
})

t.test('status shows why no name of a certificate counts, and shows at most a bounded number of names', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const issue = async (count: number): Promise<Issued> => await site.ca.issue({ name: '', usage: 'client', extensions: [alternativeNames(...Array.from({ length: count }, (_, index) => generalName(DNS, `${index}.example.org`)))] })
  await site.write('most', await issue(1000))
  t.match((await runMain(['status', site.path('most.pem'), site.allowed])).stdout, /\n {6}dns: 19\.example\.org\n {6}… and 980 more \(all with --json\)\n/)
  await site.write('more', await issue(1001))
  t.match((await runMain(['status', site.path('more.pem'), site.allowed])).stdout, /\n {6}no rule can match its names: it has more than 1000 names\n[^]*to allow it, .*\n {4}tbs:sha256/)
  t.match((await statusOf(site.path('more.pem'), site.allowed)).report, { names: [], namesProblem: 'it has more than 1000 names', rule: /^tbs:/ })
  await site.write('none', await site.ca.issue({ name: '', usage: 'client' }))
  t.match((await runMain(['status', site.path('none.pem'), site.allowed])).stdout, /\n {6}it has no names\n/)
  await site.write('long', await site.ca.issue({ name: '', usage: 'client', extensions: [alternativeNames(generalName(DNS, 'a'.repeat(3000)))] }))
  t.match((await runMain(['status', site.path('long.pem'), site.allowed])).stdout, /\n {6}dns: a{200}…\n/)
})

t.test('status needs no revocation list', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=a'])
  const { exit, report: { verdicts: [verdict] } } = await statusOf(site.path('alice.pem'), onlyAllowed(site))
  t.equal(exit, 0)
  t.match(verdict, { status: 'good', accepted: true, isWhole: true, isTrusted: true, allowed: { isAllowed: true, roles: ['a'] } })
  t.notOk('list' in (verdict ?? {}))
  const { stdout } = await runMain(['status', site.path('alice.pem'), onlyAllowed(site)])
  t.match(stdout, /\n {2}allowed by ".*allowed\.txt" of tls:/)
  t.notMatch(stdout, /to revoke it/)
  t.match(await runMain(['status', site.path('mallory.pem'), onlyAllowed(site)]), { status: 1, stdout: /\n {2}not allowed by ".*allowed\.txt" of tls:/ })
})

t.test('status rejects a client that is revoked, has expired or has no path, whatever its rules', async (t) => {
  const site = await makeAllowedSite(t, ['cn:mallory', 'cn:stranger', 'cn:old'])
  await site.revoke('mallory.pem')
  const stranger = await (await createAuthority({ name: 'Stranger' })).issue({ name: 'stranger', usage: 'client' })
  await site.write('stranger', stranger)
  await site.write('old', await site.ca.issue({ name: 'old', usage: 'client', notAfter: new Date(Date.now() - 1000) }))
  for (const [name, verdict] of [['mallory', { status: 'revoked' }], ['stranger', { isTrusted: false }], ['old', { isExpired: true }]] as const) {
    t.match(await statusOf(site.path(`${name}.pem`), site.allowed), { exit: 1, report: { accepted: false, verdicts: [{ ...verdict, accepted: false, allowed: { isAllowed: true } }] } }, name)
  }
})

t.test('a rule for an issuer counts on a path of that issuer only', async (t) => {
  const ca = await createAuthority({ name: 'Root' })
  const [one, other] = [await createAuthority({ name: 'One', issuer: ca }), await createAuthority({ name: 'Other', issuer: ca })]
  const issuer = identifyCertificate(one.der).spki
  const site = await makeAllowedSite(t, [`cn:bob issuer=${issuer} role=a`], ca)
  for (const [name, authority] of [['one', one], ['other', other]] as const) await site.write(name, await authority.issue({ name: 'bob', usage: 'client' }))
  t.match(await statusOf(site.path('one.pem'), site.allowed), { exit: 0, report: { verdicts: [{ allowed: { isAllowed: true, roles: ['a'], rules: [{ line: 1, issuer, isForPath: true }] } }] } })
  t.match(await statusOf(site.path('other.pem'), site.allowed), { exit: 1, report: { verdicts: [{ status: 'good', allowed: { isAllowed: false, roles: [], rules: [{ line: 1, issuer, isForPath: false }] } }] } })
  t.match((await runMain(['status', site.path('other.pem'), site.allowed])).stdout, /not allowed by ".*" line 1: cn:bob issuer=.* role=a, since no authority of its path has the key of issuer=\n {4}no other rule of ".*" matches a name of it/)
})

t.test('an invalid list allows no client', async (t) => {
  const site = await makeAllowedSite(t, [])
  await site.revoke('mallory.pem')
  for (const [text, message] of [['cn:alice\ncn:mallory\nwhat\n', /^error: FST_ENDPOINT_ALLOWED_SYNTAX: allowedFile ".*" line 3: /], ['cn:alice', /the last line does not end with a line feed/], ['#\n', /FST_ENDPOINT_ALLOWED_INVALID/]] as const) {
    await writeFile(site.path('allowed.txt'), text)
    const { exit, report, stderr } = await statusOf(site.path('alice.pem'), site.allowed)
    t.equal(exit, 2)
    t.match(stderr, message)
    t.match(report, { accepted: false, verdicts: [{ accepted: false, isWhole: true, allowed: { roles: [], rules: [] } }] })
    t.notOk('isAllowed' in (report.verdicts[0]?.allowed ?? {}))
    t.match((await runMain(['status', site.path('alice.pem'), site.allowed])).stdout, /\n {4}".*allowed\.txt" cannot be used as allowed list, so it is not known whether it allows the client\n/)
    t.match((await runMain(['status', site.path('alice.pem'), onlyAllowed(site)])).stdout, /\n {2}perhaps allowed by /)
    t.equal((await statusOf(site.path('mallory.pem'), site.allowed)).exit, 1, 'a revoked client is rejected anyway')
  }
  await writeFile(site.path('allowed.txt'), 'cn:alice\n')
  await site.revoke('none.pem')
  t.equal((await statusOf(site.path('alice.pem'), site.allowed)).exit, 2, 'an unreadable part of the revocation list might revoke the client')
  await site.write('bob', await site.ca.issue({ name: 'bob', usage: 'client' }))
  t.equal((await statusOf(site.path('bob.pem'), site.allowed)).exit, 1, 'a client that is not allowed is rejected anyway')
})

t.test('status and a server agree', async (t) => {
  const root = await createAuthority({ name: 'Test CA' })
  const issuing = await createAuthority({ name: 'Issuing', issuer: root })
  const site = await makeAllowedSite(t, ['cn:alice', `cn:bob issuer=${identifyCertificate(issuing.der).spki}`, 'uri:spiffe://example.org/*', 'cn:mallory'], root)
  await site.revoke('mallory.pem')
  const clients: Record<string, Issued> = {
    alice: site.alice,
    mallory: site.mallory,
    bob: await issuing.issue({ name: 'bob', usage: 'client' }),
    forged: await root.issue({ name: 'bob', usage: 'client' }),
    workload: await issueWorkload(root, 'spiffe://example.org/a'),
    twice: await root.issue({ name: '', usage: 'client', uris: ['spiffe://example.org/a', 'https://example.org/'] }),
    nobody: await root.issue({ name: 'nobody', usage: 'client' })
  }
  for (const text of [site.allowed, onlyAllowed(site)]) {
    const { port } = await startApp(t, text)
    for (const [name, client] of Object.entries(clients)) {
      await site.write(name, client)
      const isServed = await get(port, asClient(site, client)).then(() => true, () => false)
      t.equal((await statusOf(site.path(`${name}.pem`), text)).exit, isServed ? 0 : 1, `${name} ${isServed}`)
    }
  }
})
