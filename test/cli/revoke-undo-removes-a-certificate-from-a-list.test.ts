import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { runMain } from '../support/command-line.js'
import { LogCapture, type LogLine } from '../support/log.js'
import { asClient, get, makeSite, startApp } from '../support/mutual-tls.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

async function revoke (...args: string[]) {
  return await runMain(['revoke', ...args], { now: () => NOW })
}

t.test('a running server admits the client again, and the list is the same as before the revocation', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await writeFile(list, '')
  const log = new LogCapture()
  const { port } = await startApp(t, site.endpoint(), undefined, { logger: log.logger, plugin: { removalDelay: 100 } })
  t.equal((await revoke(site.path('mallory.pem'), '--list', list)).status, 0)
  const untilLogged = async (matches: (line: LogLine) => boolean): Promise<void> => { while (!log.lines.some(matches)) await once(log, 'line') }
  await untilLogged(({ revoked }) => revoked === 1)
  await t.rejects(get(port, asClient(site, site.mallory)))
  const { tbs } = identifyCertificate(site.mallory.der)
  const { status, stdout } = await revoke(site.path('mallory.pem'), '--list', list, '--undo')
  t.equal(status, 0)
  t.equal(stdout.split('\n')[0], `CN=mallory is no longer revoked by "${list}" line 2: tbs:${tbs}`)
  t.equal(await readFile(list, 'utf8'), '# none\n', 'not empty: a server would take it for one that is being written')
  await untilLogged(({ revoked, generation }) => revoked === 0 && Number(generation) > 2)
  t.match(await get(port, asClient(site, site.mallory)), { status: 200 })
})

t.test('--undo keeps all other bytes of the list', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { tbs } = identifyCertificate(site.mallory.der)
  const comment = '# CN=mallory, revoked on 2026-11-23'
  for (const [before, after] of [
    [`# a\n${comment}\ntbs:${tbs}\n# b\nalice.pem\n`, '# a\n# b\nalice.pem\n'],
    [`\ufeff# Grüße\r\n\r\n${comment}\r\ntbs:${tbs}\r\nalice.pem`, '\ufeff# Grüße\r\n\r\nalice.pem'],
    [`alice.pem\r  tbs:${tbs}  \rserver.pem\r`, 'alice.pem\rserver.pem\r'],
    [`# by hand\ntbs:${tbs}`, '# by hand\n'],
    [`tbs:${tbs}\nalice.pem\ntbs:${tbs}\n`, 'alice.pem\n'],
    // A wrong line does not matter.
    [`what:ever\n${comment}\ntbs:${tbs}\n[\n`, 'what:ever\n[\n']
  ] as const) {
    await writeFile(list, before)
    t.equal((await revoke(site.path('mallory.pem'), '--list', list, '--undo')).status, 0, JSON.stringify(before))
    t.equal(await readFile(list, 'utf8'), after)
  }
})

t.test('--undo keeps a line of another kind, and names it', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { tbs, spki } = identifyCertificate(site.mallory.der)
  await writeFile(list, `tbs:${tbs}\nspki:${spki}\n`)
  const { status, stderr } = await revoke(site.path('mallory.pem'), '--list', list, '--undo')
  t.equal(status, 1)
  t.match(stderr, `CN=mallory is still revoked by "${list}" line 1: spki:${spki}`)
  t.match(stderr, /add --spki to remove that line, which may revoke other certificates too/)
  t.equal(await readFile(list, 'utf8'), `spki:${spki}\n`)
  t.match(await revoke(site.path('mallory.pem'), '--list', list, '--undo', '--spki'), { status: 0, stdout: /^CN=mallory is no longer revoked by/ })
})

t.test('--undo removes several certificates together, and reports one that no line names', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await revoke(site.path('mallory.pem'), site.path('alice.pem'), '--list', list)
  const { status, stdout } = await revoke(site.path('mallory.pem'), site.path('server.pem'), site.path('alice.pem'), '--list', list, '--undo')
  t.equal(status, 0)
  t.match(stdout, /^CN=mallory is no longer revoked by .* line 3: tbs:.*\nNo line of ".*" names CN=localhost\. Files that patterns match were not checked\.\nCN=alice is no longer revoked by .* line 5: tbs:/)
  t.equal(await readFile(list, 'utf8'), '# nobody yet\n')
  const untouched = await readFile(list)
  t.match(await revoke(site.path('mallory.pem'), site.path('none.pem'), '--list', list, '--undo'), { status: 1, stderr: /none\.pem/ })
  t.same(await readFile(list), untouched)
})

t.test('--dry-run shows what --undo would remove', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await revoke(site.path('mallory.pem'), '--list', list)
  const before = await readFile(list)
  t.match(await revoke(site.path('mallory.pem'), '--list', list, '--undo', '--dry-run'), { status: 0, stdout: /^CN=mallory would no longer be revoked by ".*" line 3: tbs:.*\nNothing was written\.\n$/ })
  t.same(await readFile(list), before)
})
