/** One server and one list for all programs, which visit it as a client that a rule names and as one that is nearly like it. */
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Agent, fetch } from 'undici'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { startApp } from '../support/mutual-tls.js'
import type { Issued, LeafOptions } from '../support/pki.js'
import { hasProgram, PYTHON, run, type Program } from '../support/programs.js'

/** A rule, a name that it admits, and a similar name that it rejects. */
const NAMES: ReadonlyArray<readonly [rule: string, good: Partial<LeafOptions>, bad: Partial<LeafOptions>]> = [
  ['uri:spiffe://example.org/ns/shop/*', { uris: ['spiffe://example.org/ns/shop/a'] }, { uris: ['spiffe://example.org/ns/shopping/a'] }],
  ['uri:https://example.org/clients/7', { uris: ['https://example.org/clients/7'] }, { uris: ['https://example.org/clients/70'] }],
  ['dns:*.devices.example.org', { dnsNames: ['A.devices.Example.org'] }, { dnsNames: ['a.b.devices.example.org'] }],
  ['email:*@example.org', { emails: ['alice@Example.org'] }, { emails: ['alice@a.example.org'] }],
  ['ip:192.0.2.0/24', { ipAddresses: ['192.0.2.7'] }, { ipAddresses: ['192.0.3.7'] }],
  ['ip:2001:db8::/32', { ipAddresses: ['2001:db8::7'] }, { ipAddresses: ['2001:db9::7'] }],
  ['cn:legacy%20scanner%2017', { name: 'legacy scanner 17' }, { name: 'legacy scanner 18' }]
]

const site = await makeAllowedSite(t, ['cn:nobody'])
const { ca, alice, mallory } = site
const issue = async (options: Partial<LeafOptions>): Promise<Issued> => await ca.issue({ name: 'client', usage: 'client', ...options })

const cases: Array<{ rule: string, good: Issued, bad: Issued }> = []
for (const [rule, good, bad] of NAMES) cases.push({ rule, good: await issue(good), bad: await issue(bad) })
cases.push(
  // The same name and key, but another certificate; and another certificate of the same key.
  { rule: `tbs:${identifyCertificate(alice.der).tbs}`, good: alice, bad: await issue({ name: 'alice', keyPair: alice.keyPair }) },
  { rule: `spki:${identifyCertificate(mallory.der).spki}`, good: await issue({ name: 'renewed', keyPair: mallory.keyPair }), bad: await issue({ name: 'mallory' }) }
)
await site.allow(...cases.map(({ rule }) => rule))
const { port } = await startApp(t, site.allowed, (app) => { app.get('/', async () => 'yours') })

/** All clients, first the good one of each case. */
const clients = cases.flatMap(({ good, bad }, index) => [{ name: `good-${index}`, issued: good }, { name: `bad-${index}`, issued: bad }])
for (const { name, issued } of clients) await site.write(name, issued)
const paths = clients.map(({ name }) => site.path(name))
const url = `https://localhost:${port}/`

/**
 * The answers, in the order of the clients, in one or several rounds: the good ones get 200, the others read why they were rejected.
 */
function judge (t: Test, answers: readonly string[], denied: RegExp, rounds = 1): void {
  t.equal(answers.length, rounds * clients.length)
  for (let from = 0; from < rounds * clients.length; from += clients.length) {
    for (const [index, { rule }] of cases.entries()) {
      t.match(answers[from + 2 * index], /^200\b/, `a client that ${rule} names`)
      t.match(answers[from + 2 * index + 1], denied, `a client that ${rule} does not name`)
    }
  }
}

function linesOf (text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** How one process of a program visits as all clients, and what it prints of those that are rejected. Java does it with two versions of TLS. */
const PROGRAMS: ReadonlyArray<readonly [title: string, program: Program, visitAll: () => Promise<string>, denied: RegExp, rounds?: number]> = [
  ['curl', 'curl', async () => {
    const visits = paths.flatMap((path) => [
      '--next', '--silent', '--output', '/dev/null', '--write-out', '%{http_code} %{errormsg}\n', '--cacert', site.path('ca.pem'), '--cert', `${path}.pem`, '--key', `${path}.key`, url
    ])
    return (await run('curl', visits.slice(1))).stdout
  }, /alert access denied/],
  ['Python', 'python', async () => (await run(PYTHON, ['-c', `
import http.client, ssl, sys
port, ca, *clients = sys.argv[1:]
for client in clients:
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(client + '.pem', client + '.key')
    connection = http.client.HTTPSConnection('localhost', int(port), context=context)
    try:
        connection.request('GET', '/')
        print(connection.getresponse().status)
    except ssl.SSLError as error:
        print('refused', error.reason)
`, String(port), site.path('ca.pem'), ...paths])).stdout, /^refused (?:TLSV1|SSL\/TLS)_ALERT_ACCESS_DENIED$/],
  ['Java', 'java', async () => {
    const program = fileURLToPath(new URL('Client.java', import.meta.url))
    return (await run('java', ['-XX:TieredStopAtLevel=1', program, url, site.path('ca.pem'), 'TLSv1.2,TLSv1.3', ...paths])).stdout
  }, /^refused .*access_denied/, 2]
]

for (const [title, program, visitAll, denied, rounds] of PROGRAMS) {
  t.test(`${title} is admitted by each kind of name`, async (t) => {
    if (hasProgram(t, program)) judge(t, linesOf(await visitAll()), denied, rounds)
  })
}

for (const version of ['1.2', '1.3']) {
  t.test(`openssl s_client is admitted by each kind of name, or reads alert 49 (TLS ${version})`, async (t) => {
    if (!hasProgram(t, 'openssl')) return
    const answers: string[] = []
    for (const path of paths) {
      const { stdout, stderr } = await run('openssl', [
        's_client', '-quiet', '-verify_return_error', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', `-tls${version.replace('.', '_')}`,
        '-CAfile', site.path('ca.pem'), '-cert', `${path}.pem`, '-key', `${path}.key`
      ], { input: 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' })
      answers.push(stdout === '' ? stderr : stdout.replace('HTTP/1.1 ', ''))
    }
    judge(t, answers, /SSL alert number 49\b/)
  })
}

t.test('undici is admitted by each kind of name', async (t) => {
  const answers: string[] = []
  for (const { issued: { chain, key } } of clients) {
    const dispatcher = new Agent({ connect: { ca: ca.certificate, cert: chain, key, maxVersion: 'TLSv1.2' } })
    answers.push(await fetch(url, { dispatcher }).then(({ status }) => String(status), (thrown: Error) => String(thrown.cause)))
    await dispatcher.destroy()
  }
  judge(t, answers, /alert access denied/)
})
