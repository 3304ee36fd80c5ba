import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import { identifyCertificate } from '../../lib/revocation/index.js'
import { PROGRAM, runMain, runProgram } from '../support/command-line.js'
import { makeSite } from '../support/mutual-tls.js'
import { run } from '../support/programs.js'
import { withoutRights } from '../support/without-rights.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

t.test('revoke keeps the mode and the owner of the list, and leaves no other file beside it', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await chmod(list, 0o640)
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(list, 65534, 65534)
  const before = await stat(list)
  const files = await readdir(site.folder)
  t.equal((await runProgram(['revoke', site.path('mallory.pem'), '--list', list])).status, 0)
  const after = await stat(list)
  t.same([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid])
  t.not(after.ino, before.ino, 'it was replaced, not written into')
  t.same(await readdir(site.folder), files)
})

t.test('revoke keeps a symbolic link and replaces its target', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('lists'))
  await writeFile(site.path('lists/real.txt'), '')
  await symlink('lists/real.txt', site.path('link.txt'))
  t.equal((await runMain(['revoke', site.path('mallory.pem'), '--list', site.path('link.txt')])).status, 0)
  t.ok((await lstat(site.path('link.txt'))).isSymbolicLink())
  t.equal(await readlink(site.path('link.txt')), 'lists/real.txt')
  t.match(await readFile(site.path('lists/real.txt'), 'utf8'), /^# CN=mallory.*\ntbs:/)
  t.same(await readdir(site.path('lists')), ['real.txt'])
})

t.test('revoke keeps the bytes of the other lines and uses their line endings', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  const added = (lineBreak: string): string => `# CN=mallory, revoked on 2026-11-23${lineBreak}tbs:${identifyCertificate(site.mallory.der).tbs}${lineBreak}`
  const rows: Array<[before: string, after: string]> = [
    ['', added('\n')],
    ['# a', `# a\n${added('\n')}`],
    ['alice.pem\n', `alice.pem\n${added('\n')}`],
    ['alice.pem\r\n# b\r\n', `alice.pem\r\n# b\r\n${added('\r\n')}`],
    ['alice.pem\r\n# b', `alice.pem\r\n# b\r\n${added('\r\n')}`],
    ['alice.pem\r', `alice.pem\r${added('\r')}`],
    ['\ufeff# Grüße\n\n', `\ufeff# Grüße\n\n${added('\n')}`],
    // A wrong line does not matter.
    ['what:ever\n[\n', `what:ever\n[\n${added('\n')}`]
  ]
  for (const [before, after] of rows) {
    await writeFile(list, before)
    t.equal((await runMain(['revoke', site.path('mallory.pem'), '--list', list], { now: () => NOW })).status, 0, JSON.stringify(before))
    t.equal(await readFile(list, 'utf8'), after)
  }
})

t.test('if revoke cannot keep the owner, it changes nothing', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('only root can be somebody else', { skip: true })
    return
  }
  const site = await makeSite(t)
  await mkdir(site.path('lists'))
  await chmod(site.path('lists'), 0o777)
  const list = site.path('lists/revoked.txt')
  await writeFile(list, '# mine\n')
  const { status, stderr } = await withoutRights(() => runMain(['revoke', site.path('mallory.pem'), '--list', list]))
  t.equal(status, 1)
  t.match(stderr, /FST_ENDPOINT_LIST_UNWRITABLE: .* its owner would change: run this as its owner, or as root/)
  t.equal(await readFile(list, 'utf8'), '# mine\n')
  t.same(await readdir(site.path('lists')), ['revoked.txt'])
})

t.test('if the disk is full, revoke changes nothing and leaves no lock behind', async (t) => {
  const site = await makeSite(t)
  const list = site.path('revoked.txt')
  await writeFile(list, '#\n'.repeat(2000))
  const files = await readdir(site.folder)
  // In blocks of half a kilobyte, or of one: too small for the lock, and for the list. NODE_OPTIONS is unset, because the modules that tap preloads would fail.
  for (const blocks of ['0', '1']) {
    const { status, stderr } = await run('sh', ['-c', 'unset NODE_OPTIONS && ulimit -f "$0" && exec "$@"', blocks, process.execPath, PROGRAM, 'revoke', site.path('mallory.pem'), '--list', list], { env: { PATH: process.env['PATH'] } })
    t.equal(status, 1)
    t.match(stderr, /FST_ENDPOINT_LIST_UNWRITABLE: ".*revoked\.txt" cannot be changed: /)
    t.same(await readdir(site.folder), files)
  }
  t.equal(await readFile(list, 'utf8'), '#\n'.repeat(2000))
})

t.test('revoke reports a folder that it cannot write to', async (t) => {
  const site = await makeSite(t)
  await mkdir(site.path('lists'))
  await writeFile(site.path('lists/revoked.txt'), '')
  await chmod(site.path('lists'), 0o555)
  t.match(await withoutRights(() => runMain(['revoke', site.path('mallory.pem'), '--list', site.path('lists/revoked.txt')])), { status: 1, stderr: /FST_ENDPOINT_LIST_UNWRITABLE: ".*" cannot be changed: permission denied \(EACCES\)/ })
  await chmod(site.path('lists'), 0o755)
})
