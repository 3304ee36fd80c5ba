import { readFileSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import t from 'tap'
import { parseAllowedList } from '../../lib/allowed/allowed-file.js'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { alternativeNames, DNS, generalName } from '../support/allowed.js'
import { issueWorkload, makeAllowedSite } from '../support/allowed-site.js'
import { runMain, runProgram } from '../support/command-line.js'
import { asClient, connectTls, get, startApp } from '../support/mutual-tls.js'
import { until } from '../support/until.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

async function allow (...args: string[]) {
  return await runMain(['allow', ...args], { now: () => NOW })
}

t.test('allow adds a rule for the best name of the client, with its subject above, and a running server admits the client', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice'])
  const list = site.path('allowed.txt')
  const orders = await issueWorkload(site.ca, 'spiffe://example.org/ns/shop/sa/orders')
  await site.write('orders', orders)
  const { app, port } = await startApp(t, site.allowed)
  await t.rejects(get(port, asClient(site, orders)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  const open = await connectTls(port, asClient(site, site.alice))
  const [listener] = app.endpoint.listeners
  const { status, stdout, stderr } = await allow(site.path('orders.pem'), '--list', list, '--role', 'reader,writer', '--role', 'reader')
  t.match({ status, stderr }, { status: 0, stderr: '' })
  const rule = 'uri:spiffe://example.org/ns/shop/sa/orders role=reader,writer'
  t.match(stdout, new RegExp(`^URI:spiffe://example\\.org/ns/shop/sa/orders is allowed by ".*allowed\\.txt" line 3: ${rule}\nServers that use this list as allowedFile apply it within a second`))
  t.equal(await readFile(list, 'utf8'), `cn:alice\n# URI:spiffe://example.org/ns/shop/sa/orders, allowed on 2026-11-23\n${rule}\n`)
  const { mtimeNs, ctimeNs } = await stat(list, { bigint: true })
  t.ok(mtimeNs < ctimeNs, 'a server sees that it replaced the file as a whole')
  await until('the list is in force', () => listener?.allowed?.generation === 2 ? true : undefined)
  t.match(await get(port, asClient(site, orders)), { status: 200 })
  open.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  t.match(String((await once(open, 'data'))[0]), /^HTTP\/1\.1 200 /, 'and an open connection of another client stays open')
  open.destroy()
})

t.test('a running server closes the connections of a client that --undo removes', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:mallory'])
  const { port } = await startApp(t, site.allowed)
  const open = await connectTls(port, asClient(site, site.mallory))
  open.on('error', () => {}).resume()
  const closed = once(open, 'close')
  t.equal((await allow(site.path('mallory.pem'), '--list', site.path('allowed.txt'), '--undo')).status, 0)
  await closed
  await t.rejects(get(port, asClient(site, site.mallory)), { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' })
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
})

t.test('allow writes the best kind of rule, or the one that --by names', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const bob = await site.ca.issue({ name: 'bob 100%', usage: 'client', dnsNames: ['Bob.example.org'], emails: ['bob@Example.org'], ipAddresses: ['192.0.2.1'] })
  await site.write('bob', bob)
  const { tbs, spki } = identifyCertificate(bob.der)
  for (const [by, rule] of [
    [[], 'dns:bob.example.org'],
    [['--by', 'email'], 'email:bob@example.org'],
    [['--by', 'ip'], 'ip:192.0.2.1'],
    [['--by', 'cn'], 'cn:bob%20100%25'],
    [['--by', 'tbs'], `tbs:${tbs}`],
    [['--by', 'spki'], `spki:${spki}`]
  ] as const) {
    await site.allow('cn:nobody')
    t.match(await allow(site.path('bob.pem'), '--list', site.path('allowed.txt'), ...by), { status: 0, stderr: '' })
    t.equal(await readFile(site.path('allowed.txt'), 'utf8'), `cn:nobody\n# CN=bob 100%, allowed on 2026-11-23\n${rule}\n`)
  }
  t.match(await allow(site.path('alice.pem'), '--list', site.path('allowed.txt'), '--by', 'dns'), { status: 2, stderr: /the certificate in ".*alice\.pem" has no name for a rule of the kind dns: choose another one with --by/ })
})

t.test('allow reports a client that already has the roles, and keeps the list unchanged', async (t) => {
  const site = await makeAllowedSite(t, ['# by hand', 'cn:alice   role=reader,writer'])
  const list = site.path('allowed.txt')
  const before = readFileSync(list)
  const { ino } = await stat(list)
  for (const roles of [[], ['--role', 'writer'], ['--role', 'writer,reader']]) {
    t.match(await allow(site.path('alice.pem'), '--list', list, ...roles), { status: 0, stdout: /^CN=alice is already allowed by ".*" line 2: cn:alice {3}role=reader,writer\n$/ })
  }
  t.same(readFileSync(list), before)
  t.equal((await stat(list)).ino, ino)
})

t.test('allow adds another line if a rule has fewer roles or is for one issuer', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const issuer = identifyCertificate(site.ca.der).spki
  for (const line of ['cn:alice role=reader', 'cn:alice', `cn:alice issuer=${issuer} role=admin`]) {
    await site.allow(line)
    t.match(await allow(site.path('alice.pem'), '--list', list, '--role', 'admin'), { status: 0, stdout: /is allowed by .* line 3: cn:alice role=admin/ })
    t.equal(await readFile(list, 'utf8'), `${line}\n# CN=alice, allowed on 2026-11-23\ncn:alice role=admin\n`)
  }
})

t.test('allow adds the first rule to a list without rules', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  for (const text of ['', '# who may come in\n']) {
    await writeFile(list, text)
    t.match(await allow(site.path('alice.pem'), '--list', list), { status: 0, stderr: '' })
    t.equal(await readFile(list, 'utf8'), `${text}# CN=alice, allowed on 2026-11-23\ncn:alice\n`)
  }
})

t.test('allow adds several certificates together, each once, or none of them', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('allowed.txt')
  const [alice, mallory] = [site.path('alice.pem'), site.path('mallory.pem')]
  const { status, stdout } = await allow(alice, mallory, alice, '--list', list, '--role', 'reader')
  t.equal(status, 0)
  t.same(stdout.split('\n').slice(0, 3).map((line) => line.replace(/ by ".*" line (\d):.*/, ' $1')), ['CN=alice is allowed 3', 'CN=mallory is allowed 5', 'CN=alice is allowed 3'])
  t.equal((await readFile(list, 'utf8')).split('\n').length, 6)
  const before = readFileSync(list)
  t.match(await allow(site.path('server.pem'), site.path('none.pem'), '--list', list), { status: 1, stderr: /none\.pem/ })
  t.same(readFileSync(list), before)
})

t.test('--dry-run shows what allow would add', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('allowed.txt')
  t.match(await allow(site.path('alice.pem'), '--list', list, '--dry-run', '--role', 'a'), { status: 0, stdout: /^CN=alice would be allowed by ".*" line 3: cn:alice role=a\nNothing was written\.\n$/ })
  t.equal(await readFile(list, 'utf8'), 'cn:nobody\n')
})

t.test('a certificate cannot write a line of its own, and allow makes invisible characters of its name visible', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('allowed.txt')
  const names = [
    'x\n*.pem\r\u001b[2J', 'x\u2028cn:root', 'a\u202eb\u200b', 'ha\u3164ngul', '#', 'a\u00a0b c', 'y'.repeat(300), 'Zoë', '\ufeffbom'
  ]
  for (const [index, name] of names.entries()) {
    await site.allow('cn:nobody')
    await site.write('evil', await site.ca.issue({ name, usage: 'client' }))
    t.match(await allow(site.path('evil.pem'), '--list', list), { status: 0 }, String(index))
    const text = await readFile(list, 'utf8')
    t.equal(text.split('\n').length, 4)
    // eslint-disable-next-line no-control-regex
    t.notMatch(text, /[\u0000-\u0009\u000b-\u001f\u200b\u2028\u202e\ufeff]/, String(index))
    const { rules } = await parseAllowedList(Buffer.from(text), 'list', {})
    t.equal(rules.length, 2)
    if (index > 0) t.match(rules[1], { kind: 'cn', value: name, roles: [] })
    else t.match(rules[1], { kind: 'tbs' })
    t.match(await allow(site.path('evil.pem'), '--list', list), { stdout: /is already allowed by/ })
    t.match(await allow(site.path('evil.pem'), '--list', list, '--undo'), { status: 0, stderr: '' })
    t.equal(await readFile(list, 'utf8'), 'cn:nobody\n', 'and its rule is found again')
  }
  await site.write('tricky', await site.ca.issue({ name: 'tricky', usage: 'client', extensions: [alternativeNames(generalName(DNS, 'a.example.org\ncn:root'), generalName(DNS, '*.example.org'))] }))
  await allow(site.path('tricky.pem'), '--list', list)
  t.equal(await readFile(list, 'utf8'), 'cn:nobody\n# CN=tricky, allowed on 2026-11-23\ncn:tricky\n')
})

t.test('allow does not change an invalid list, and its message names the line', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const alice = site.path('alice.pem')
  for (const [text, message] of [
    ['cn:bob\ndns:*\n', /FST_ENDPOINT_ALLOWED_SYNTAX: allowedFile ".*" line 2: /],
    ['cn:bob', /FST_ENDPOINT_ALLOWED_SYNTAX: allowedFile ".*" line 1: the last line does not end with a line feed/],
    ['a\nb\nc\n', /line 1: .*\n.*line 2: .*\n.*line 3: /],
    ['cn:b\0b\n', /FST_ENDPOINT_ALLOWED_INVALID: .*NUL/],
    [Buffer.from('cn:\xfc\n', 'latin1'), /FST_ENDPOINT_ALLOWED_INVALID: .*not UTF-8/]
  ] as const) {
    await writeFile(list, text)
    for (const option of [[], ['--undo'], ['--dry-run']]) {
      t.match(await allow(alice, '--list', list, ...option), { status: 1, stdout: '', stderr: message })
      t.same(readFileSync(list), Buffer.from(text))
    }
  }
  t.match(await allow(alice, '--list', site.path('none.txt')), { status: 1, stderr: /FST_ENDPOINT_LIST_UNWRITABLE: ".*none\.txt" cannot be changed: there is no such file/ })
  t.match(await allow(alice, '--list', site.path('none.txt'), '--dry-run'), { status: 1, stderr: /FST_ENDPOINT_FILE_UNREADABLE: allowedFile ".*none\.txt"/ })
  t.match(await allow(alice, '--list', site.folder), { status: 1, stderr: /FST_ENDPOINT_FILE_NOT_REGULAR/ })
})

t.test('an error about the command line says what to write', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('allowed.txt')
  const alice = site.path('alice.pem')
  const many = Array.from({ length: 65 }, (_, index) => `r${index}`).join(',')
  for (const [args, message] of [
    [['--list', list], /no certificate given: name its file/],
    [[alice], /no list given: name the allowedFile of the endpoint with --list/],
    [[alice, '--list', list, '--by', 'name'], /--by must be one of uri, dns, email, ip, cn, tbs, spki, not "name"/],
    [[alice, '--list', list, '--role', 'a b'], /--role "a b" is not a role: it has 1 to 64 characters/],
    [[alice, '--list', list, '--role', 'a,'], /--role "" is not a role/],
    [[alice, '--list', list, '--role', many], /no rule can be written for .*alice\.pem.* with these roles: it has more than 64 roles/],
    [[alice, '--list', list, '--role', 'a', '--undo'], /--role and --undo exclude each other/],
    [[alice, '--list', list, '--roles', 'a'], /unknown option --roles: did you mean --role\?/]
  ] as Array<[string[], RegExp]>) t.match(await allow(...args), { status: 2, stdout: '', stderr: message })
  t.equal(await readFile(list, 'utf8'), 'cn:nobody\n')
  t.match(await allow('--help'), { status: 0, stdout: /allow CERT\.pem \.\.\. --list FILE/ })
})

t.test('the installed program adds a client too', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  t.match(await runProgram(['allow', site.path('alice.pem'), '--list', site.path('allowed.txt')]), { status: 0, stderr: '' })
  t.match(await readFile(site.path('allowed.txt'), 'utf8'), /\ncn:alice\n$/)
})
