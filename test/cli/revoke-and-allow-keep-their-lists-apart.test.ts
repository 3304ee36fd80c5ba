import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'

t.test('revoke does not change an allowed list, because its line would admit the client', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const { tbs } = identifyCertificate(site.alice.der)
  for (const [text, line] of [
    ['cn:alice\n', 1], ['# a\r\n\r\n uri:spiffe://a/b role=c\r\n', 3], ['\ufeffdns:a\n', 1], ['ip:::1\n', 1], ['email:a@b\n', 1],
    [`tbs:${tbs}\ntbs:${tbs} role=a\n`, 2], [`# CN=alice, allowed on 2026-11-23\ntbs:${tbs}\n`, 1]
  ] as const) {
    for (const options of [[], ['--undo'], ['--dry-run'], ['--spki']]) {
      await writeFile(list, text)
      const { status, stdout, stderr } = await runMain(['revoke', site.path('mallory.pem'), '--list', list, ...options])
      t.match({ status, stdout }, { status: 1, stdout: '' })
      t.match(stderr, new RegExp(`FST_ENDPOINT_LIST_UNWRITABLE: .*allowed\\.txt" cannot be changed: its line ${line} is for an allowed list, which lets clients in: name the revokedFile instead\n$`))
      t.equal(await readFile(list, 'utf8'), text)
    }
  }
})

t.test('revoke adds to a revocation list that has a wrong line', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('revoked.txt')
  const { serial } = identifyCertificate(site.alice.der)
  for (const line of ['alice.pem', `serial:${serial}`, 'cdp:', 'http://127.0.0.1:1/a.crl']) {
    await writeFile(list, `${line}\ncn:mallory\n`)
    t.match(await runMain(['revoke', site.path('mallory.pem'), '--list', list]), { status: 0 }, line)
    t.match(await readFile(list, 'utf8'), /\ncn:mallory\n#.*\ntbs:/)
  }
})

t.test('allow does not change a list with lines that no allowed list has', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('revoked.txt')
  const { serial, tbs } = identifyCertificate(site.mallory.der)
  for (const line of [`serial:${serial}`, 'cdp:', 'https://example.org/a.crl', 'rediss://example.org/revoked']) {
    const text = `tbs:${tbs}\n${line}\n`
    await writeFile(list, text)
    for (const options of [[], ['--undo'], ['--dry-run']]) {
      t.match(await runMain(['allow', site.path('alice.pem'), '--list', list, ...options]), { status: 1, stdout: '', stderr: /FST_ENDPOINT_LIST_UNWRITABLE: .* its line 2 is for a revocation list: name the allowedFile instead\n$/ }, line)
      t.equal(await readFile(list, 'utf8'), text)
    }
  }
})

t.test('allow does not change a list that revoke has written', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('revoked.txt')
  await writeFile(list, '')
  t.equal((await runMain(['revoke', site.path('mallory.pem'), '--list', list])).status, 0)
  const before = await readFile(list, 'utf8')
  for (const options of [[], ['--undo'], ['--dry-run']]) {
    t.match(await runMain(['allow', site.path('alice.pem'), '--list', list, ...options]), { status: 1, stdout: '', stderr: /FST_ENDPOINT_LIST_UNWRITABLE: allowedFile ".*revoked\.txt" cannot be changed: its line 1 is for a revocation list: name the allowedFile instead\n$/ })
    t.equal(await readFile(list, 'utf8'), before)
  }
  t.equal((await runMain(['allow', site.path('alice.pem'), '--list', site.path('allowed.txt')])).status, 0)
  t.equal((await runMain(['allow', site.path('alice.pem'), '--list', site.path('allowed.txt'), '--undo'])).status, 0)
  await runMain(['revoke', site.path('mallory.pem'), '--list', list, '--undo'])
  t.equal(await readFile(list, 'utf8'), '# none\n')
})
