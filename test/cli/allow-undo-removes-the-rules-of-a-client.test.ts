import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain } from '../support/command-line.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

async function allow (...args: string[]) {
  return await runMain(['allow', ...args], { now: () => NOW })
}

t.test('--undo removes every rule of the client with the comments that allow wrote, and keeps all other bytes', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const comment = '# CN=alice, allowed on 2026-11-23'
  const issuer = identifyCertificate(site.ca.der).spki
  for (const [before, after] of [
    [`# a\n${comment}\ncn:alice role=a\n# b\ncn:bob\n`, '# a\n# b\ncn:bob\n'],
    [`\ufeff# Grüße\r\n\r\n${comment}\r\ncn:alice\r\ncn:bob\r\n`, '\ufeff# Grüße\r\n\r\ncn:bob\r\n'],
    ['\ufeffcn:alice\ncn:bob\n', 'cn:bob\n'],
    ['# by hand\n \tcn:alice \ncn:bob\n', '# by hand\ncn:bob\n'],
    [`cn:alice\ncn:bob\ncn:alice role=x\ncn:%61lice issuer=${issuer}\ncn:alicia\ndns:alice\n`, 'cn:bob\ncn:alicia\ndns:alice\n']
  ] as const) {
    await writeFile(list, before)
    t.match(await allow(site.path('alice.pem'), '--list', list, '--undo'), { status: 0, stderr: '', stdout: /^CN=alice is no longer allowed by ".*" line \d: / })
    t.equal(await readFile(list, 'utf8'), after)
  }
})

t.test('--undo does not remove the last rule, because the list would become invalid', async (t) => {
  const site = await makeAllowedSite(t, ['# one', 'cn:alice', 'cn:alice role=a'])
  const list = site.path('allowed.txt')
  const before = await readFile(list, 'utf8')
  for (const option of [[], ['--dry-run']]) {
    t.match(await allow(site.path('alice.pem'), '--list', list, '--undo', ...option), { status: 1, stdout: '', stderr: /FST_ENDPOINT_ALLOWED_INVALID: allowedFile ".*": no rule would be left, .* allow another client first, or revoke this one\n$/ })
    t.equal(await readFile(list, 'utf8'), before)
  }
})

t.test('--undo reports a client that no rule allows', async (t) => {
  const site = await makeAllowedSite(t, ['cn:alice', 'cn:bob'])
  const list = site.path('allowed.txt')
  const { status, stdout } = await allow(site.path('mallory.pem'), site.path('alice.pem'), '--list', list, '--undo')
  t.equal(status, 0)
  t.match(stdout, /^No rule of ".*" allows CN=mallory\.\nCN=alice is no longer allowed by .* line 1: cn:alice\nServers/)
  t.match(await allow(site.path('alice.pem'), '--list', list, '--undo'), { status: 0, stdout: /^No rule of ".*" allows CN=alice\.\n$/ }, 'again')
  await writeFile(list, '# none yet\n')
  t.match(await allow(site.path('alice.pem'), '--list', list, '--undo'), { status: 0, stderr: '' })
})

t.test('--undo names a rule that still allows the client, and says what to do', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const bob = await site.ca.issue({ name: 'bob', usage: 'client', dnsNames: ['bob.example.org', 'b.example.net'] })
  await site.write('bob', bob)
  const { spki } = identifyCertificate(bob.der)
  const issuer = identifyCertificate(site.ca.der).spki
  for (const [rule, message] of [
    ['dns:*.example.org', /^CN=bob is still allowed by ".*" line 2: dns:\*\.example\.org; change that line, which may allow other clients too\n$/],
    ['dns:b.example.net', /line 2: dns:b\.example\.net; change that line/],
    [`spki:${spki}`, /line 2: spki:.*; add --by spki to remove that line\n$/],
    [`cn:bob issuer=${issuer}`, /^CN=bob may still be allowed by .*; add --by cn to remove that line\n$/]
  ] as const) {
    await site.allow('cn:nobody', 'dns:bob.example.org', rule)
    const dry = await allow(site.path('bob.pem'), '--list', list, '--undo', '--dry-run')
    t.match(dry, { status: 1, stdout: /would no longer be allowed by .* line 2: dns:bob.*\nNothing was written\.\n$/, stderr: /line 3: / }, 'by its line in the current list')
    t.match(await allow(site.path('bob.pem'), '--list', list, '--undo'), { status: 1, stderr: message })
    t.equal(await readFile(list, 'utf8'), `cn:nobody\n${rule}\n`)
  }
  t.match(await allow(site.path('bob.pem'), '--list', list, '--undo', '--by', 'cn'), { status: 0, stderr: '' }, 'with --by it is removed, with any issuer')
  t.equal(await readFile(list, 'utf8'), 'cn:nobody\n')
})
