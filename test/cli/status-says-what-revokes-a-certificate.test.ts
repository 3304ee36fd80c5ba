import { appendFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import type { StatusReport } from '../../types/command-line.js'
import { alertSeenByNode } from '../support/alerts.js'
import { runMain } from '../support/command-line.js'
import { makeCrlSite } from '../support/crl-site.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'
import { createAuthority } from '../support/pki.js'

const DAY = 24 * 60 * 60 * 1000

async function statusOf (args: string[], now?: number): Promise<{ exit: number, report: StatusReport }> {
  const { status, stdout, stderr } = await runMain(['status', '--json', ...args], now === undefined ? {} : { now: () => now })
  if (stdout === '') throw new Error(stderr)
  return { exit: status, report: JSON.parse(stdout) as StatusReport }
}

t.test('a certificate is good until the list revokes it, and status names the line', async (t) => {
  const site = await makeSite(t)
  const text = site.endpoint()
  const file = site.path('mallory.pem')
  const { exit, report } = await statusOf([file, text])
  t.equal(exit, 0)
  t.match(report, {
    version: 1,
    accepted: true,
    certificates: [{ file, subject: 'CN=mallory', issuer: 'CN=Test CA', isSelfSigned: false }],
    verdicts: [{ endpoint: text, list: site.path('revoked.txt'), status: 'good', accepted: true, isTrusted: true, isExpired: false, isForClients: true }]
  })
  t.notOk('index' in (report.verdicts[0] ?? {}))
  for (const kind of ['tbs', 'serial', 'spki'] as const) {
    await writeFile(site.path('revoked.txt'), `# by ${kind}\n${report.lines[kind]}\n`)
    t.match(await statusOf([file, text]), { exit: 1, report: { accepted: false, verdicts: [{ status: 'revoked', accepted: false, index: 0, subject: 'CN=mallory', kind, line: 2 }] } })
    t.equal((await statusOf([site.path('alice.pem'), text])).exit, 0, `${kind} is about nobody else`)
  }
  await writeFile(site.path('revoked.txt'), '\n\nmal*.pem\n')
  t.match(await statusOf([file, text]), { exit: 1, report: { verdicts: [{ status: 'revoked', kind: 'tbs', line: 3, file }] } })
})

t.test('status shows an entry of a CRL with its CRL, reason and date', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [site.mallory], { number: 7 })
  const { exit, report: { verdicts: [verdict] } } = await statusOf([site.path('mallory.pem'), site.strict()])
  t.equal(exit, 1)
  t.match(verdict, { status: 'revoked', kind: 'crl', line: 1, file: site.path('ca.crl'), reason: 'keyCompromise', crl: { issuer: 'CN=Test CA', number: '7' } })
  t.ok(Date.parse(verdict?.revokedAt ?? '') < Date.now())
  t.match((await runMain(['status', site.path('mallory.pem'), site.strict()])).stdout, /\n {4}it is listed in CRL number 7 of CN=Test CA \(line 1, ".*ca\.crl"\) since .*Z, reason keyCompromise\n/)
})

t.test('the status is unknown if no CRL covers the certificate, and the policy decides whether the client is admitted', async (t) => {
  const site = await makeCrlSite(t)
  const other = await createAuthority({ name: 'Other' })
  await writeFile(site.path('ca.pem'), site.ca.certificate + other.certificate)
  await site.list('other', other)
  t.match(await statusOf([site.path('alice.pem'), site.strict()]), { exit: 0, report: { accepted: true, verdicts: [{ status: 'unknown', accepted: true, index: 0 }] } })
  t.match((await runMain(['status', site.path('alice.pem'), site.strict()])).stdout, /it is covered by no CRL in force, but unknownStatus=allow admits the client/)
  t.match(await statusOf([site.path('alice.pem'), site.strict('unknownStatus=deny')]), { exit: 1, report: { accepted: false, verdicts: [{ status: 'unknown', accepted: false }] } })
})

t.test('status reads the path from the file in any order and completes it from the authorities', async (t) => {
  const site = await makeSite(t)
  const issuing = await createAuthority({ name: 'Issuing', issuer: site.ca })
  const bob = await issuing.issue({ name: 'bob', usage: 'client' })
  await writeFile(site.path('bob.pem'), bob.certificate + site.alice.certificate + issuing.certificate)
  await writeFile(site.path('issuing.pem'), issuing.certificate)
  await site.revoke('issuing.pem')
  t.match(await statusOf([site.path('bob.pem'), site.endpoint()]), { exit: 1, report: { certificates: [{ subject: 'CN=bob' }, { subject: 'CN=Issuing' }], verdicts: [{ status: 'revoked', isTrusted: true, index: 1, subject: 'CN=Issuing' }] } })
  await writeFile(site.path('bob.pem'), bob.certificate)
  t.match(await statusOf([site.path('bob.pem'), site.endpoint()]), { exit: 1, report: { verdicts: [{ status: 'good', accepted: false, isTrusted: false }] } })
  t.match((await runMain(['status', site.path('bob.pem'), site.endpoint()])).stdout, /it has no path to the authorities/)
  await appendFile(site.path('ca.pem'), issuing.certificate)
  t.match(await statusOf([site.path('bob.pem'), site.endpoint()]), { exit: 1, report: { verdicts: [{ status: 'revoked', isTrusted: true, index: 1, subject: 'CN=Issuing' }] } })
  t.match((await runMain(['status', site.path('bob.pem'), site.endpoint()])).stdout, /CN=Issuing, in its path, is named by line 2, ".*issuing\.pem"/)
})

t.test('status rejects an expired certificate even if it is not revoked', async (t) => {
  const site = await makeSite(t)
  for (const days of [400, -3]) t.match(await statusOf([site.path('alice.pem'), site.endpoint()], Date.now() + days * DAY), { exit: 1, report: { verdicts: [{ status: 'good', accepted: false, isExpired: true }] } })
})

t.test('status rejects a certificate that is not for clients even if it is not revoked', async (t) => {
  const site = await makeSite(t)
  const bob = await site.ca.issue({ name: 'bob', usage: 'server' })
  await writeFile(site.path('bob.pem'), bob.chain)
  t.match(await statusOf([site.path('bob.pem'), site.endpoint()]), { exit: 1, report: { accepted: false, verdicts: [{ status: 'good', accepted: false, isForClients: false }] } })
  t.match((await runMain(['status', site.path('bob.pem'), site.endpoint()])).stdout, /does not allow clients, so the client is rejected \(unsupported_certificate\)/)
  const { port } = await startApp(t, site.endpoint())
  t.equal(await alertSeenByNode({ port }, asClient(site, bob)), 'unsupported_certificate', 'as the server decides')
})

t.test('status can check a list without a string, with or without authorities', async (t) => {
  const site = await makeCrlSite(t)
  await site.list('ca', site.ca, [site.mallory])
  const list = ['--list', site.path('revoked.txt')]
  t.match(await statusOf([site.path('mallory.pem'), ...list, '--authorities', site.path('ca.pem')]), { exit: 1, report: { verdicts: [{ status: 'revoked', kind: 'crl' }] } })
  await writeFile(site.path('revoked.txt'), 'mallory.pem\n')
  const { report } = await statusOf([site.path('alice.pem'), ...list])
  t.notOk('isTrusted' in (report.verdicts[0] ?? {}))
  t.match(await statusOf([site.path('mallory.pem'), ...list]), { exit: 1, report: { verdicts: [{ status: 'revoked', subject: 'CN=mallory' }] } })
})

t.test('status checks each endpoint of the environment, and one rejection is enough', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('other.txt'), 'mallory.pem\n')
  const strings = ['tcp:80', site.endpoint(), site.endpoint().replace('revoked.txt', 'other.txt')]
  const { status, stdout } = await runMain(['status', '--json', site.path('mallory.pem')], { env: { ENDPOINT: strings.join('\n') } })
  t.equal(status, 1)
  t.same((JSON.parse(stdout) as StatusReport).verdicts.map(({ status }) => status), ['good', 'revoked'])
})

t.test('status reads a certificate in DER', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('alice.der'), site.alice.der)
  t.equal((await statusOf([site.path('alice.der'), site.endpoint()])).exit, 0)
  await writeFile(site.path('alice.der'), Buffer.concat([site.alice.der, Buffer.of(0)]))
  t.match(await runMain(['status', site.path('alice.der'), site.endpoint()]), { status: 2, stderr: /FST_ENDPOINT_CERTIFICATE_INVALID: .*extra data follows it/ })
})

t.test('status accepts no certificate if it cannot read the list', async (t) => {
  const site = await makeSite(t)
  await writeFile(site.path('revoked.txt'), 'missing.pem\nmallory.pem\n')
  t.match(await runMain(['status', site.path('alice.pem'), site.endpoint()]), { status: 2, stdout: /perhaps good by/, stderr: /error: FST_ENDPOINT_LIST_MISSING: .*line 1/ })
  t.match(await runMain(['status', site.path('mallory.pem'), site.endpoint()]), { status: 1 }, 'a line that revokes anyway still does')
})

t.test('an error in the command line or in a file exits with 2', async (t) => {
  const site = await makeSite(t)
  const alice = site.path('alice.pem')
  const rows: Array<[args: string[], message: RegExp]> = [
    [[], /no certificate given/],
    [[alice], /no list to look in: give an endpoint string or --list, or set ENDPOINT/],
    [[alice, 'tcp:80', 'tcp:81'], /too many arguments/],
    [[alice, 'tcp:80'], /no endpoint string has a revokedFile/],
    [[alice, 'tcp:80', '--list', 'x'], /--list and an endpoint string exclude each other/],
    [[alice, '--authorities', 'x'], /has no effect without --list/],
    [[alice, 'tcp:x'], /^tcp:x\n {4}\^\nerror: FST_ENDPOINT_INVALID_ARGUMENT: tcp: port must be .*, not "x"\n$/],
    [[site.path('none.pem'), site.endpoint()], /FST_ENDPOINT_FILE_UNREADABLE: certificate ".*none\.pem" cannot be read/],
    [[site.path('alice.key'), site.endpoint()], /FST_ENDPOINT_CERTIFICATE_INVALID/],
    [[alice, '--list', site.path('revoked.txt'), '--authorities', site.path('alice.pem')], /FST_ENDPOINT_NO_ANCHOR/]
  ]
  for (const [args, message] of rows) t.match(await runMain(['status', ...args]), { status: 2, stdout: '', stderr: message }, args.join(' '))
})

t.test('status and a server agree', async (t) => {
  const site = await makeCrlSite(t)
  const issuing = await createAuthority({ name: 'Issuing', issuer: site.ca })
  const stranger = await (await createAuthority({ name: 'Stranger' })).issue({ name: 'stranger', usage: 'client' })
  const clients = { alice: site.alice, mallory: site.mallory, stranger, bob: await issuing.issue({ name: 'bob', usage: 'client' }), old: await site.ca.issue({ name: 'old', usage: 'client', notAfter: new Date(Date.now() - 1000) }) }
  await site.list('ca', site.ca, [site.mallory])
  for (const policies of [[], ['unknownStatus=deny']]) {
    const text = site.strict(...policies)
    const { port } = await startApp(t, text)
    for (const [name, client] of Object.entries(clients)) {
      await site.write(name, client)
      const isServed = await get(port, asClient(site, client)).then(() => true, () => false)
      t.equal((await statusOf([site.path(`${name}.pem`), text])).exit, isServed ? 0 : 1, `${name} ${policies.join()}`)
    }
  }
})
