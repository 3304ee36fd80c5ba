import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { describeAllowed } from '../../lib/cli/report/allowed.js'
import { Findings } from '../../lib/cli/report/findings.js'
import { Authorities } from '../../lib/x509/authorities.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { NameKind } from '../../lib/x509/subject-names.js'
import type { CheckedEndpoint, CheckReport, CheckWarning } from '../../types/command-line.js'
import { type AllowedSite, makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'
import { alternativeNames, generalName, URI } from '../support/allowed.js'
import { type Authority, createAuthority } from '../support/pki.js'
import { makeTestFolder } from '../support/test-folder.js'

async function makeSite (t: Test, ...rules: string[]): Promise<AllowedSite> {
  const site = await makeAllowedSite(t, rules)
  await chmod(site.path('server.key'), 0o600)
  return site
}

async function checked (site: AllowedSite): Promise<CheckedEndpoint> {
  const { stdout } = await runMain(['check', '--json', site.allowed])
  return (JSON.parse(stdout) as CheckReport).endpoints[0] as CheckedEndpoint
}

async function warningsOf (site: AllowedSite, ...rules: string[]): Promise<CheckWarning[]> {
  await site.allow(...rules)
  const { warnings, problems } = await checked(site)
  if (problems.length > 0) throw new Error(problems[0]?.message)
  return warnings.filter(({ argument }) => argument === 'allowedFile')
}

t.test('check shows the rules and roles of the list', async (t) => {
  const site = await makeSite(t, '# names', 'uri:spiffe://example.org/a\t role=reader,writer', '', 'cn:a%20b  role=reader', 'ip:10.0.0.0/8')
  const { ok, tls } = await checked(site)
  t.ok(ok)
  t.same(tls?.allowed, {
    list: site.path('allowed.txt'),
    size: 3,
    roles: ['reader', 'writer'],
    rules: [
      { line: 2, kind: 'uri', pattern: 'spiffe://example.org/a', roles: ['reader', 'writer'] },
      { line: 4, kind: 'cn', pattern: 'a%20b', roles: ['reader'] },
      { line: 5, kind: 'ip', pattern: '10.0.0.0/8', roles: [] }
    ]
  })
  const { stdout } = await runMain(['check', site.allowed])
  t.match(stdout, /\n {2}allowed list ".*allowed\.txt": 3 rules, roles reader, writer\n {4}line 2: uri:spiffe:\/\/example\.org\/a role=reader,writer\n {4}line 4: cn:a%20b role=reader\n {4}line 5: ip:10\.0\.0\.0\/8\n/)
  await site.allow(...Array.from({ length: 30 }, (_, index) => `cn:client-${index} role=role-${index}`))
  t.match((await runMain(['check', site.allowed])).stdout, /: 30 rules, roles role-0, .*, role-19, …\n[^]*\n {4}line 20: .*\n {4}… and 10 more \(all with --json\)\n/)
  await writeFile(site.path('allowed.txt'), '\ufeff \tcn:a\trole=b \r\n')
  t.match((await checked(site)).tls?.allowed, { rules: [{ kind: 'cn', pattern: 'a', roles: ['b'] }] })
  await site.allow('cn:a')
  t.match((await runMain(['check', site.allowed])).stdout, /: 1 rule, no roles\n/)
})

t.test('check reports every wrong line as a problem', async (t) => {
  const site = await makeSite(t, 'cn:a', 'what', 'dns:*', 'cn:b')
  const report = await checked(site)
  t.equal(report.ok, false)
  t.notOk('allowed' in (report.tls ?? {}))
  t.match(report.problems, [2, 3].map((line) => ({ code: 'FST_ENDPOINT_ALLOWED_SYNTAX', argument: 'allowedFile', file: site.path('allowed.txt'), line })))
  t.match(await runMain(['check', site.allowed]), { status: 1, stdout: /problem: FST_ENDPOINT_ALLOWED_SYNTAX: allowedFile ".*" line 2: / })
  await writeFile(site.path('allowed.txt'), 'cn:a')
  t.match((await checked(site)).problems, [{ code: 'FST_ENDPOINT_ALLOWED_SYNTAX', line: 1 }])
  await writeFile(site.path('allowed.txt'), '')
  t.match((await checked(site)).problems, [{ code: 'FST_ENDPOINT_ALLOWED_INVALID', argument: 'allowedFile' }])
  await rm(site.path('allowed.txt'))
  t.match((await checked(site)).problems, [{ code: 'FST_ENDPOINT_FILE_UNREADABLE', argument: 'allowedFile' }])
})

t.test('check warns of a rule that another rule makes redundant', async (t) => {
  const site = await makeSite(t)
  const spki = (byte: number): string => `sha256//${Buffer.alloc(32, byte).toString('base64')}`
  const issuer = ` issuer=${identifyCertificate(site.ca.der).spki}`
  for (const [rules, line, other] of [
    [['cn:a', 'cn:a'], 2, 1],
    [['cn:a role=x,y', 'cn:b', 'cn:%61 role=y'], 3, 1],
    [['cn:a role=y', 'cn:a role=x,y'], 1, 2],
    [[`cn:a${issuer}`, 'cn:a'], 1, 2],
    [[`cn:a${issuer}`, `cn:a${issuer}`], 2, 1],
    [[`tbs:${spki(1)}`, `tbs:${spki(1)}`], 2, 1],
    [[`spki:${spki(1)} role=a`, `spki:${spki(1)}`], 2, 1],
    [['dns:A.example.org', 'dns:*.example.org'], 1, 2],
    [['dns:*.example.org', 'dns:*.Example.org'], 2, 1],
    [['email:*@example.org', 'email:a@example.org'], 2, 1],
    [['uri:https://example.org/a/b/*', 'uri:https://example.org/*'], 1, 2],
    [['uri:spiffe://example.org/*', 'uri:spiffe://example.org/a'], 2, 1],
    [['ip:10.1.0.0/16', 'ip:10.0.0.0/8'], 1, 2],
    [['ip:10.0.0.0/8', 'ip:10.0.0.0/8'], 2, 1],
    [['ip:2001:db8::/32', 'ip:2001:DB8::1'], 2, 1]
  ] as Array<[string[], number, number]>) {
    const warnings = await warningsOf(site, ...rules)
    t.match(warnings, [{ kind: 'no-effect', line, file: site.path('allowed.txt') }], rules.join(' | '))
    t.equal(warnings.length, 1, rules.join(' | '))
    t.match(warnings[0]?.message, new RegExp(`^line ${line} has no effect, since line ${other} \\(.*\\) allows the same clients with the same roles: remove one of them$`))
  }
})

t.test('check does not warn of a rule that allows or grants more than the others', async (t) => {
  const site = await makeSite(t)
  const issuer = ` issuer=${identifyCertificate(site.ca.der).spki}`
  for (const rules of [
    ['cn:a role=x', 'cn:a role=y'], ['cn:a', `cn:a${issuer} role=x`], ['cn:a', 'dns:a', 'cn:A'],
    ['dns:*.example.org role=x', 'dns:a.example.org role=y'], [`dns:*.example.org${issuer}`, 'dns:a.example.org'],
    ['dns:*.example.org', 'dns:a.b.example.org', 'dns:example.org'], ['email:a@example.org', 'email:A@example.org'],
    ['uri:https://example.org/a/*', 'uri:https://example.org/a', 'uri:https://example.org/ab'],
    ['ip:10.0.0.0/8', 'ip:11.0.0.1', 'ip:::ffff:10.0.0.1'], ['uri:https://example.org/*', 'uri:https://example.org:8443/a']
  ]) t.same(await warningsOf(site, ...rules), [], rules.join(' | '))
})

t.test('without the redundant rules, a list allows the same clients with the same roles', async (t) => {
  const file = makeTestFolder(t, { 'allowed.txt': '' }) + '/allowed.txt'
  const issuers = [1, 2].map((byte) => `sha256//${Buffer.alloc(32, byte).toString('base64')}`)
  const names: Array<[NameKind, string]> = [
    ['dns', 'a.example.org'], ['dns', 'b.a.example.org'], ['uri', 'spiffe://a/b'], ['uri', 'spiffe://a/b/c'], ['ip', '10.1.2.3'], ['ip', '10.1.0.0'], ['ip', '::1'], ['email', 'a@b.org'], ['email', 'c@b.org'], ['cn', 'a']
  ]
  const pattern = fc.constantFrom(...names.map(([kind, value]) => `${kind}:${value}`), 'dns:*.example.org', 'dns:*.a.example.org', 'uri:spiffe://a/*', 'uri:spiffe://a/b/*', 'ip:10.0.0.0/8', 'ip:10.1.0.0/16', 'ip:10.1.0.0/24', 'ip:::/64', 'email:*@b.org')
  const line = fc.tuple(pattern, fc.constantFrom('', ...issuers.map((issuer) => ` issuer=${issuer}`)), fc.constantFrom('', ' role=a', ' role=b', ' role=a,b')).map((parts) => parts.join(''))
  const answers = async (lines: readonly string[]): Promise<unknown> => {
    const set = await parseAllowedList(Buffer.from(lines.map((line) => `${line}\n`).join('')), 'list', {})
    return names.flatMap(([kind, value]) => [[], issuers.slice(0, 1), issuers.slice(1), issuers].map((path) => {
      const rules = set.rulesFor({ names: { names: [{ kind, value }], isLeaf: true }, tbs: '', spki: '' }).filter(({ issuer }) => issuer === undefined || path.includes(issuer))
      return [rules.length > 0, [...new Set(rules.flatMap(({ roles }) => roles))].sort()]
    }))
  }
  await fc.assert(fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 12 }), async (lines) => {
    await writeFile(file, lines.map((line) => `${line}\n`).join(''))
    const findings = new Findings()
    await describeAllowed(file, undefined, Authorities.none, findings)
    const useless = new Set(findings.warnings.filter(({ kind }) => kind === 'no-effect').map(({ line }) => line))
    const left = lines.filter((_line, index) => !useless.has(index + 1))
    if (JSON.stringify(await answers(left)) !== JSON.stringify(await answers(lines))) throw new Error(`without ${[...useless].join()}`)
    if (new Set(left).size !== left.length) throw new Error('a rule is there twice')
  }), { numRuns: 500 })
})

t.test('check warns of a rule that allows very many clients', async (t) => {
  const site = await makeSite(t)
  for (const [rule, message] of [
    ['dns:*.org', /^line 1 allows every domain directly below org: check whether dns:\*\.org is meant$/],
    ['ip:0.0.0.0/0', /^line 1 allows every address of its kind: check whether ip:0\.0\.0\.0\/0 is meant$/],
    ['ip:::/0', /every address of its kind/],
    ['ip:0.0.0.0/1', /a large part of all addresses/],
    ['ip:2000::/3', /a large part of all addresses/]
  ] as const) {
    const warnings = await warningsOf(site, rule)
    t.match(warnings, [{ kind: 'exposed', line: 1, message }], rule)
  }
  t.same(await warningsOf(site, 'dns:*.example.org', 'ip:10.0.0.0/8', 'ip:2001:db8::/32', 'uri:spiffe://example.org/*', 'dns:org'), [])
})

t.test('check warns of issuer= if no authority has the key', async (t) => {
  const site = await makeSite(t)
  t.match(await warningsOf(site, 'cn:a', `cn:b issuer=${identifyCertificate(site.server.der).spki}`), [{ kind: 'no-effect', line: 2, message: /^issuer= of line 2 is the key of no certificate in authorities, so the line allows only clients that send an intermediate with that key: check the key$/ }])
  await writeFile(site.path('ca.pem'), '')
  t.same((await checked(site)).warnings.filter(({ argument }) => argument === 'allowedFile'), [], 'no warning without a known authority')
})

t.test('check warns of rules for several trust domains if several anchors can issue for them', async (t) => {
  const site = await makeSite(t)
  const other = await createAuthority({ name: 'Other' })
  const issuer = (authority: { readonly der: Buffer }): string => ` issuer=${identifyCertificate(authority.der).spki}`
  const [one, two] = ['uri:spiffe://one.example/*', 'uri:spiffe://two.example/a']
  t.same(await warningsOf(site, one, two), [], 'one anchor')
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  t.match(await warningsOf(site, one, two), [{ kind: 'exposed', line: 1, message: /^each of the 2 trust anchors can issue names of all 2 SPIFFE trust domains of the list and the authorities \(one\.example, two\.example\): add issuer= to line 1 and 1 more, / }])
  t.match(await warningsOf(site, one + issuer(site.ca), two), [{ kind: 'exposed', line: 2, message: /: add issuer= to line 2, / }])
  t.same(await warningsOf(site, one + issuer(site.ca), two + issuer(other)), [])
  t.same(await warningsOf(site, one, 'uri:spiffe://one.example/a').then((all) => all.filter(({ kind }) => kind === 'exposed')), [], 'one trust domain')
  const many = Array.from({ length: 8 }, (_, index) => `uri:spiffe://${index}.example/a`)
  t.match(await warningsOf(site, ...many), [{ message: /\(0\.example, 1\.example, 2\.example, 3\.example, 4\.example, …\)/ }])
})

t.test('check warns of rules for one trust domain if an anchor is that of another, but not while an authority is renewed', async (t) => {
  const root = async (domain: string): Promise<Authority> => await createAuthority({ name: 'SPIFFE', extensions: [alternativeNames(generalName(URI, `spiffe://${domain}`))] })
  const [own, next, foreign] = await Promise.all(['one.example', 'one.example', 'two.example'].map(root)) as [Authority, Authority, Authority]
  const site = await makeAllowedSite(t, [], own)
  await chmod(site.path('server.key'), 0o600)
  const exposed = async (...rules: string[]): Promise<CheckWarning[]> => (await warningsOf(site, ...rules)).filter(({ kind }) => kind === 'exposed')
  await writeFile(site.path('ca.pem'), own.certificate + next.certificate)
  t.same(await exposed('uri:spiffe://one.example/*'), [], 'two authorities of one trust domain')
  await writeFile(site.path('ca.pem'), own.certificate + foreign.certificate)
  t.match(await exposed('uri:spiffe://one.example/*'), [{ line: 1, message: /^each of the 2 trust anchors can issue names of all 2 SPIFFE trust domains of the list and the authorities \(one\.example, two\.example\): add issuer= to line 1, / }])
  t.same(await exposed(`uri:spiffe://one.example/* issuer=${identifyCertificate(own.der).spki}`), [])
})

t.test('check warns of an invisible character in cn:, unless it is written as %HH', async (t) => {
  const site = await makeSite(t)
  for (const [character, number, written] of [['\u200b', '200B', '%E2%80%8B'], ['\u00a0', '00A0', '%C2%A0'], ['\u202e', '202E', '%E2%80%AE'], ['\u3164', '3164', '%E3%85%A4'], ['\u2800', '2800', '%E2%A0%80'], ['\ufe0f', 'FE0F', '%EF%B8%8F'], ['\u{13441}', '13441', '%F0%93%91%81']] as const) {
    t.match(await warningsOf(site, 'cn:nobody', `cn:a${character}b`), [{ kind: 'exposed', line: 2, message: new RegExp(`^line 2 has an invisible character in cn: \\(U\\+${number}\\), .* write ${written} if it is meant$`) }])
    t.match(await warningsOf(site, `cn:a${character}`, 'cn:nobody'), [{ line: 1 }], 'also at the end')
    t.same(await warningsOf(site, `cn:a${written}b`), [])
  }
})

t.test('check warns of two spellings of a role', async (t) => {
  const site = await makeSite(t)
  const warnings = await warningsOf(site, 'cn:a role=admin,order-reader', 'cn:b role=Admin', 'cn:c role=Admin,order_reader', 'cn:d role=admins,reader2,reader')
  t.match(warnings, [
    { kind: 'no-effect', line: 2, message: 'line 2 gives the role Admin, and line 1 admin, which is another role: write the one that the routes of the app name' },
    { kind: 'no-effect', line: 3, message: /^line 3 gives the role order_reader, and line 1 order-reader, / }
  ])
  t.equal(warnings.length, 2)
})

t.test('check warns of an allowed list that revoke has written to', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), '')
  await runMain(['revoke', site.path('mallory.pem'), '--list', site.path('revoked.txt')])
  await writeFile(site.path('allowed.txt'), await readFile(site.path('revoked.txt')))
  t.match((await checked(site)).warnings, [{ kind: 'exposed', argument: 'allowedFile', line: 1, message: /^line 1 is a comment that fastify-endpoint revoke writes: check that this is not the revocation list, / }])
})

t.test('check warns of files that every user can change', async (t) => {
  const site = await makeSite(t, 'cn:alice')
  await chmod(site.path('allowed.txt'), 0o666)
  t.match((await checked(site)).warnings, [{ kind: 'exposed', argument: 'allowedFile', message: /every user of this machine can change ".*allowed\.txt" \(mode 666\), and so decide which clients are admitted: chmod o-w/ }])
  t.equal((await runMain(['check', '--strict', site.allowed])).status, 1)
  await chmod(site.path('allowed.txt'), 0o644)
  t.same((await checked(site)).warnings, [])
})

t.test('check takes little time for many rules of any kind', async (t) => {
  const file = makeTestFolder(t, { 'allowed.txt': '' }) + '/allowed.txt'
  const count = 20_000
  for (const rule of [(index: number) => `cn:${index % 200}`, (index: number) => `cn:${index % 200} role=r${index}`, (index: number) => `ip:10.${index >> 8 & 255}.${index & 255}.0/24`, (index: number) => `uri:https://example.org/${'a/'.repeat(index % 50)}${index}/*`]) {
    await writeFile(file, Array.from({ length: count }, (_, index) => `${rule(index)}\n`).join(''))
    const findings = new Findings()
    const began = process.cpuUsage()
    const report = await describeAllowed(file, undefined, Authorities.none, findings)
    const { user } = process.cpuUsage(began)
    t.equal(report?.size, count)
    t.ok(user < 20_000_000, `${rule(0)}: ${user} µs`)
  }
})
