import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import t from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { runMain } from '../support/command-line.js'
import { asClient, connectTls, get, makeSite, startApp } from '../support/mutual-tls.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

async function revoke (...args: string[]) {
  return await runMain(['revoke', ...args], { now: () => NOW })
}

t.test('revoke adds a certificate with its subject above, and a running server rejects the client and closes its connections', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { port } = await startApp(t, site.endpoint())
  const open = await connectTls(port, asClient(site, site.mallory))
  open.on('error', () => {})
  const cut = once(open, 'close')
  const { tbs } = identifyCertificate(site.mallory.der)
  const { status, stdout } = await revoke(site.path('mallory.pem'), '--list', list)
  t.equal(status, 0)
  t.equal(stdout.split('\n')[0], `CN=mallory is revoked by "${list}" line 3: tbs:${tbs}`)
  t.match(stdout, /\nServers that use this list as revokedFile apply it within a quarter of a second/)
  t.equal(await readFile(list, 'utf8'), `# nobody yet\n# CN=mallory, revoked on 2026-11-23\ntbs:${tbs}\n`)
  open.resume()
  await cut
  await t.rejects(get(port, asClient(site, site.mallory)))
  t.match(await get(port, asClient(site, site.alice)), { status: 200 })
})

t.test('if the list already contains the key, the command says so and writes nothing', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { tbs, serial, spki } = identifyCertificate(site.mallory.der)
  const upper = serial.replace(/^[^@]*/, (hex) => hex.toUpperCase().padStart(42, '0'))
  for (const line of [`tbs:${tbs}`, `serial:${upper}`, `spki:${spki}`]) {
    await writeFile(list, `# by hand\n  ${line}`)
    t.match(await revoke(site.path('mallory.pem'), '--list', list), { status: 0, stdout: /^CN=mallory is already revoked by ".*" line 2: \w+:.*\n$/ })
    t.equal(await readFile(list, 'utf8'), `# by hand\n  ${line}`)
  }
  t.match(await revoke(site.path('mallory.pem'), '--list', list, '--spki'), { stdout: /already/ })
  t.match(await revoke(site.path('mallory.pem'), '--list', list, '--serial'), { stdout: /is revoked by .* line 4: serial:/ }, 'a line of another kind may be removed')
})

t.test('--serial and --spki write lines of these kinds', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { serial, spki } = identifyCertificate(site.mallory.der)
  await revoke(site.path('mallory.pem'), '--list', list, '--serial')
  await revoke(site.path('mallory.pem'), '--list', list, '--spki')
  t.match(await readFile(list, 'utf8'), `\nserial:${serial}\n# CN=mallory, revoked on 2026-11-23\nspki:${spki}\n`)
})

t.test('revoke warns that a list cannot revoke a self-signed authority', async (t) => {
  const site = await makeSite(t)
  const { app, port } = await startApp(t, site.endpoint())
  const { status, stderr } = await revoke(site.path('ca.pem'), '--list', site.path('revoked.txt'), '--spki')
  t.equal(status, 0)
  t.match(stderr, /^warning: CN=Test CA is self-signed: if it is one of the authorities, .* Remove it from the authorities\n$/)
  await app.endpoint.reload()
  t.equal(app.endpoint.listeners[0]?.revocation?.size, 1)
  t.match(await get(port, asClient(site, site.alice)), { status: 200 }, 'and it does')
  t.equal((await revoke(site.path('mallory.pem'), '--list', site.path('revoked.txt'))).stderr, '')
})

t.test('revoke names a certificate without a subject by its other names or its serial number', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await site.write('nobody', await site.ca.issue({ name: '', usage: 'client' }))
  const { stdout } = await revoke(site.path('nobody.pem'), '--list', list)
  t.match(stdout, /^number [0-9a-f]+ is revoked by /)
  t.match(await readFile(list, 'utf8'), /\n# number [0-9a-f]+, revoked on 2026-11-23\n/)
  t.match((await runMain(['status', site.path('nobody.pem'), '--list', list])).stdout, /^\(no subject\): /)
})

t.test('revoke adds several certificates together, each once', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const { status, stdout } = await revoke(site.path('mallory.pem'), site.path('alice.pem'), site.path('mallory.pem'), '--list', list)
  t.equal(status, 0)
  t.same(stdout.split('\n').slice(0, 3).map((line) => line.replace(/ by ".*" line (\d):.*/, ' $1')), ['CN=mallory is revoked 3', 'CN=alice is revoked 5', 'CN=mallory is already revoked 3'])
  t.equal((await readFile(list, 'utf8')).split('\n').length, 6)
  const before = readFileSync(list)
  t.match(await revoke(site.path('server.pem'), site.path('none.pem'), '--list', list), { status: 1, stderr: /none\.pem/ })
  t.same(readFileSync(list), before, 'either all or none')
})

t.test('--dry-run shows what revoke would add', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  t.match(await revoke(site.path('mallory.pem'), '--list', list, '--dry-run'), { status: 0, stdout: /^CN=mallory would be revoked by ".*" line 3: tbs:.*\nNothing was written\.\n$/ })
  t.equal(await readFile(list, 'utf8'), '# nobody yet\n')
})

t.test('a certificate cannot write a line of its own', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await site.write('evil', await site.ca.issue({ name: `x\n*.pem\r\u2028\u001b[2J${'y'.repeat(300)}`, usage: 'client' }))
  t.equal((await revoke(site.path('evil.pem'), '--list', list)).status, 0)
  const lines = (await readFile(list, 'utf8')).split('\n')
  t.equal(lines.length, 4)
  t.match(lines[1], /^# CN=x\\0A\*\.pem\\0D<U\+2028>\\1B\[2Jy+…, revoked on 2026-11-23$/)
  // eslint-disable-next-line no-control-regex
  t.notMatch(lines[1], /[\u0000-\u001f\u2028]/)
})

t.test('revoke reports an error and keeps the list unchanged', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await writeFile(list, Buffer.from('# Gr\xfc\xdfe\n', 'latin1'))
  const mallory = site.path('mallory.pem')
  t.match(await revoke(mallory, '--list', list), { status: 1, stderr: /FST_ENDPOINT_LIST_ENCODING: .* line 1: it is not UTF-8/ })
  t.same(readFileSync(list), Buffer.from('# Gr\xfc\xdfe\n', 'latin1'))
  t.match(await revoke(mallory, '--list', site.path('none.txt')), { status: 1, stderr: /FST_ENDPOINT_LIST_UNWRITABLE: ".*none\.txt" cannot be changed: there is no such file/ })
  t.match(await revoke(mallory, '--list', site.path('none.txt'), '--dry-run'), { status: 1, stderr: /FST_ENDPOINT_FILE_UNREADABLE/ })
  t.match(await revoke(mallory, '--list', site.folder), { status: 1, stderr: /FST_ENDPOINT_FILE_NOT_REGULAR/ })
  t.match(await revoke('--list', list), { status: 2, stderr: /no certificate given/ })
  t.match(await revoke(mallory), { status: 2, stderr: /no list given/ })
  t.match(await revoke(mallory, '--list', list, '--serial', '--spki'), { status: 2, stderr: /--serial and --spki exclude each other/ })
})
