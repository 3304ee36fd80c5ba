import { chmod, writeFile } from 'node:fs/promises'
import t from 'tap'
import { quoteEndpointArgument } from '../../lib/index.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import type { CheckedEndpoint, CheckReport, StatusReport } from '../../types/command-line.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'

t.test('status --list takes an allowed list as what it is', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice role=reader'])
  const list = site.path('allowed.txt')
  const { tbs, spki } = identifyCertificate(site.alice.der)
  const issuer = identifyCertificate(site.ca.der).spki
  for (const [rule, authorities] of [['cn:alice role=reader'], [`tbs:${tbs} role=reader`], [`# CN=alice, allowed on 2026-11-23\nspki:${spki}`], [`cn:alice issuer=${issuer}`, '--authorities']] as const) {
    await site.allow(rule)
    const options = authorities === undefined ? [] : [authorities, site.path('ca.pem')]
    const of = async (name: string): Promise<{ status: number, stderr: string, report: StatusReport }> => {
      const { status, stdout, stderr } = await runMain(['status', '--json', site.path(name), '--list', list, ...options])
      return { status, stderr, report: JSON.parse(stdout) as StatusReport }
    }
    t.match(await of('alice.pem'), { status: 0, stderr: '', report: { accepted: true, verdicts: [{ status: 'good', list: undefined, allowed: { list, isAllowed: true } }] } }, rule)
    t.match(await of('mallory.pem'), { status: 1, stderr: '', report: { accepted: false, verdicts: [{ allowed: { isAllowed: false } }] } }, rule)
  }
  await site.allow('cn:alice role=reader')
  t.match((await runMain(['status', site.path('alice.pem'), '--list', list])).stdout, /allowed by ".*allowed\.txt"\n.*allowed by .* line 1: cn:alice role=reader\n.*its roles: reader\n/)
})

t.test('status --list still reads a revocation list as such, and warns of a list that could be of both kinds', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('list.txt')
  const { tbs, serial } = identifyCertificate(site.mallory.der)
  const BOTH = /^warning: ".*list\.txt" is read as a revocation list, but all of its lines could also be rules of an allowed list: give the endpoint string instead of --list to be certain\n$/
  for (const [text, stderr] of [
    [`# CN=mallory, revoked on 2026-11-23\ntbs:${tbs}\n`, /^$/], [`serial:${serial}\n`, /^$/], ['mallory.pem\n', /^$/], [`tbs:${tbs}\n`, BOTH], [`tbs:${tbs}\n# allowed on 2026-11-23\n`, BOTH]
  ] as const) {
    await writeFile(list, text)
    t.match(await runMain(['status', site.path('mallory.pem'), '--list', list]), { status: 1, stdout: /revoked by ".*list\.txt"/, stderr }, text)
  }
  await writeFile(list, '# none\n')
  t.match(await runMain(['status', site.path('mallory.pem'), '--list', list]), { status: 0, stderr: '' })
  t.match(await runMain(['status', site.path('mallory.pem'), '--list', site.path('missing.txt')]), { status: 2, stderr: /FST_ENDPOINT_FILE_UNREADABLE/ })
})

t.test('check says that revokedFile and allowedFile are swapped', async (t) => {
  const site = await makeAllowedSite(t, [])
  await chmod(site.path('server.key'), 0o600)
  const { tbs, serial } = identifyCertificate(site.alice.der)
  const named = (file: string): string => quoteEndpointArgument(site.path(file))
  const swapped = site.endpoint(`:authorities=${named('ca.pem')}:revokedFile=${named('allowed.txt')}:allowedFile=${named('revoked.txt')}`)
  const check = async (allowed: string, revoked: string): Promise<CheckedEndpoint> => {
    await writeFile(site.path('allowed.txt'), allowed)
    await writeFile(site.path('revoked.txt'), revoked)
    return (JSON.parse((await runMain(['check', '--json', swapped])).stdout) as CheckReport).endpoints[0] as CheckedEndpoint
  }
  t.match(await check('cn:alice\n', `serial:${serial}\n`), {
    ok: false,
    problems: [
      { argument: 'revokedFile', line: 1, message: /this is a rule of an allowed list, which lets clients in: name its file with allowedFile, and another one with revokedFile$/ },
      { argument: 'allowedFile', line: 1, message: /serial: is for a revocation list, which revokedFile names/ }
    ],
    warnings: [{ kind: 'unfit', argument: 'revokedFile', line: 1, message: /^line 1 is for an allowed list, so the clients that it allows would be rejected: check that revokedFile and allowedFile are not swapped$/ }]
  })
  // An app would start with these.
  t.match(await check(`# CN=alice, allowed on 2026-11-23\ntbs:${tbs}\n`, `# CN=mallory, revoked on 2026-11-23\ntbs:${tbs}\n`), {
    ok: true,
    warnings: [{ kind: 'unfit', argument: 'revokedFile', line: 1 }, { kind: 'exposed', argument: 'allowedFile', line: 1, message: /comment that fastify-endpoint revoke writes/ }]
  })
})
