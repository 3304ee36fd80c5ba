import { chmod, chown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import t from 'tap'
import { makeAllowedSite } from '../support/allowed-site.js'
import { runMain, runProgram } from '../support/command-line.js'
import { withoutRights } from '../support/without-rights.js'

const NOW = Date.parse('2026-11-23T12:00:00Z')

t.test('allow keeps the mode and the owner of the list, and leaves no other file beside it', async (t) => {
  const site = await makeAllowedSite(t, ['cn:nobody'])
  const list = site.path('allowed.txt')
  await chmod(list, 0o640)
  if (process.getuid?.() === 0) await chown(list, 65534, 65534)
  const before = await stat(list)
  const files = await readdir(site.folder)
  // The number of a file that is gone may be used again.
  let { ino } = before
  for (const option of [[], ['--undo']]) {
    t.equal((await runProgram(['allow', site.path('mallory.pem'), '--list', list, ...option])).status, 0)
    const after = await stat(list)
    t.same([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid])
    t.not(after.ino, ino, 'it was replaced, not written into')
    ino = after.ino
    t.same(await readdir(site.folder), files)
  }
})

t.test('allow keeps the bytes of the other lines and uses their line endings', async (t) => {
  const site = await makeAllowedSite(t, [])
  const list = site.path('allowed.txt')
  const added = (lineBreak: string): string => `# CN=mallory, allowed on 2026-11-23${lineBreak}cn:mallory${lineBreak}`
  for (const before of ['cn:bob\n', 'cn:bob\r\n# b\r\n', '\ufeff# Grüße\n\n \tcn:Zo%C3%AB\t role=a \n\n']) {
    await writeFile(list, before)
    t.equal((await runMain(['allow', site.path('mallory.pem'), '--list', list], { now: () => NOW })).status, 0)
    t.equal(await readFile(list, 'utf8'), before + added(before.includes('\r') ? '\r\n' : '\n'))
  }
})

t.test('allow keeps a symbolic link and replaces its target', async (t) => {
  const site = await makeAllowedSite(t, [])
  await mkdir(site.path('lists'))
  await writeFile(site.path('lists/real.txt'), 'cn:nobody\n')
  await symlink('lists/real.txt', site.path('link.txt'))
  t.equal((await runMain(['allow', site.path('mallory.pem'), '--list', site.path('link.txt')])).status, 0)
  t.ok((await lstat(site.path('link.txt'))).isSymbolicLink())
  t.match(await readFile(site.path('lists/real.txt'), 'utf8'), /^cn:nobody\n# CN=mallory.*\ncn:mallory\n$/)
  t.same(await readdir(site.path('lists')), ['real.txt'])
})

t.test('allow keeps a list that it cannot replace, and prints a message', async (t) => {
  const site = await makeAllowedSite(t, [])
  await mkdir(site.path('lists'))
  await writeFile(site.path('lists/allowed.txt'), 'cn:nobody\n')
  await chmod(site.path('lists'), 0o555)
  t.match(await withoutRights(() => runMain(['allow', site.path('mallory.pem'), '--list', site.path('lists/allowed.txt')])), { status: 1, stderr: /FST_ENDPOINT_LIST_UNWRITABLE: ".*" cannot be changed: permission denied \(EACCES\)/ })
  await chmod(site.path('lists'), 0o755)
  t.equal(await readFile(site.path('lists/allowed.txt'), 'utf8'), 'cn:nobody\n')
})
