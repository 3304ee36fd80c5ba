import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { identifyCertificate } from '../../lib/x509/identity.js'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRightsOn } from '../support/without-rights.js'

const authority = await createAuthority()
const alice = await authority.issue({ name: 'alice' })
const bob = await authority.issue({ name: 'bob' })
const carol = await authority.issue({ name: 'carol' })
const CAROL = `tbs:${identifyCertificate(carol.der).tbs}`

async function start (t: Test, list = 'certs/*.pem\n'): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, certs: { 'a.pem': alice.certificate, 'b.pem': bob.certificate } }))
  t.same(await reloading.load(), [])
  return reloading
}

t.test('a broken file keeps its last good content, and changes of other files take effect', async (t) => {
  const reloading = await start(t)
  for (const [bad, code] of [['garbage', 'INVALID'], ['', 'EMPTY'], [alice.key, 'INVALID'], [alice.certificate.slice(0, 200), 'INVALID']]) {
    writeFileSync(reloading.path('certs', 'a.pem'), bad ?? '')
    t.same(await reloading.load(), [`FST_ENDPOINT_FILE_${code}`])
    t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob'])
  }
  writeFileSync(reloading.path('certs', 'c.pem'), carol.certificate)
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob', 'carol'])
  rmSync(reloading.path('certs', 'b.pem'))
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_INVALID'])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'carol'], 'a certificate that is certainly gone is no longer revoked')
})

t.test('a file takes effect when it is valid again', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.path('certs', 'a.pem'), 'garbage')
  await reloading.load()
  writeFileSync(reloading.path('certs', 'a.pem'), carol.certificate)
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob, carol), ['bob', 'carol'])
})

t.test('a file that loses its read permission keeps its content', async (t) => {
  const reloading = await start(t)
  appendFileSync(reloading.path('certs', 'a.pem'), '\n')
  await withoutRightsOn([reloading.path('certs', 'a.pem')], async () => {
    t.same(await reloading.load(), ['FST_ENDPOINT_FILE_UNREADABLE'])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  })
})

t.test('a file that became something else keeps its content', async (t) => {
  const reloading = await start(t)
  rmSync(reloading.path('certs', 'a.pem'))
  symlinkSync('/dev/null', reloading.path('certs', 'a.pem'))
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_NOT_REGULAR'])
  rmSync(reloading.path('certs', 'a.pem'))
  symlinkSync('nowhere', reloading.path('certs', 'a.pem'))
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_UNREADABLE'])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
})

t.test('a bad line keeps all lines of the last good list, and the good new ones take effect', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.list, `certs/[.pem\n${CAROL}\n`)
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_PATTERN'])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob', 'carol'])
  writeFileSync(reloading.list, `certs/a.pem\nword:x\n${CAROL}\n`)
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_UNKNOWN_WORD'])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob', 'carol'])
  writeFileSync(reloading.list, `certs/a.pem\n${CAROL}\n`)
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'carol'])
})

t.test('while the list cannot be read, all of it stays, and changes of its files take effect', async (t) => {
  const reloading = await start(t, `certs/*.pem\n${CAROL}\n`)
  for (const [name, spoil, code] of [
    ['gone', () => rmSync(reloading.list), 'FILE_UNREADABLE'],
    ['a directory', () => mkdirSync(reloading.list), 'FILE_NOT_REGULAR'],
    ['UTF-16', () => { rmSync(reloading.list, { recursive: true }); writeFileSync(reloading.list, '*.pem', 'utf16le') }, 'LIST_ENCODING'],
    ['too large', () => writeFileSync(reloading.list, Buffer.alloc(64 * 1024 * 1024 + 1)), 'FILE_TOO_LARGE']
  ] as const) {
    spoil()
    t.same(await reloading.load(), [`FST_ENDPOINT_${code}`], name)
    t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob', 'carol'], name)
  }
  rmSync(reloading.path('certs', 'a.pem'))
  t.same(await reloading.load(), ['FST_ENDPOINT_FILE_TOO_LARGE'])
  t.same(reloading.revoked(alice, bob, carol), ['bob', 'carol'])
})

t.test('an emptied list is taken for one that is being written', async (t) => {
  const reloading = await start(t)
  writeFileSync(reloading.list, '')
  for (const again of [false, true]) {
    t.same(await reloading.load(), ['FST_ENDPOINT_LIST_EMPTIED'])
    t.match(reloading.loaded?.problems[0], { message: /To revoke nobody, leave a comment line in it \(# none\)$/, file: reloading.list })
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'], again ? 'for how ever long' : 'at first')
  }
  writeFileSync(reloading.list, '# none\n')
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), [])
})

t.test('a list that was empty from the start may stay empty', async (t) => {
  const reloading = await start(t, '')
  t.same(await reloading.load(), [])
})

t.test('a wrong list that is then emptied is taken for one that is being written', async (t) => {
  const reloading = await start(t, '')
  writeFileSync(reloading.list, `${CAROL}\n[`)
  await reloading.load()
  writeFileSync(reloading.list, '')
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_EMPTIED'])
  t.same(reloading.revoked(carol), ['carol'])
})

t.test('a missing folder keeps the files of its pattern', async (t) => {
  const reloading = await start(t)
  renameSync(reloading.path('certs'), reloading.path('away'))
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  renameSync(reloading.path('away'), reloading.path('certs'))
  rmSync(reloading.path('certs', 'a.pem'))
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
})

t.test('a folder that loses its read permission keeps the files of its pattern', async (t) => {
  const reloading = await start(t)
  await withoutRightsOn([reloading.path('certs')], async () => {
    t.same([...new Set(await reloading.load())], ['FST_ENDPOINT_LIST_UNREADABLE', 'FST_ENDPOINT_FILE_UNREADABLE'])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  })
})

t.test('a missing file that a line names stays revoked, since it may be missing by accident', async (t) => {
  const reloading = await start(t, 'certs/a.pem\ncerts/b.pem\n')
  rmSync(reloading.path('certs', 'a.pem'))
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_MISSING'])
  t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  writeFileSync(reloading.list, 'certs/b.pem\n')
  t.same(await reloading.load(), [])
  t.same(reloading.revoked(alice, bob), ['bob'], 'until its line is gone')
})

t.test('a file that two patterns name stays revoked while one of them cannot be followed', async (t) => {
  for (const list of ['certs/*.pem\ncerts/{a,b}.pem\n', 'certs/{a,b}.pem\ncerts/*.pem\n']) {
    const reloading = await start(t, list)
    rmSync(reloading.path('certs', 'a.pem'))
    t.same(await reloading.load(), ['FST_ENDPOINT_LIST_MISSING'])
    t.same(reloading.revoked(alice, bob), ['alice', 'bob'])
  }
})

t.test('above the limit of files, the known files stay in force', async (t) => {
  const reloading = await start(t)
  reloading.limits = { files: 2 }
  writeFileSync(reloading.path('certs', '0.pem'), carol.certificate)
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_TOO_MANY_FILES'])
  t.same(reloading.revoked(alice, bob, carol), ['alice', 'bob'])
})

t.test('above the limit of entries, the known set stays in force', async (t) => {
  const reloading = await start(t)
  reloading.limits = { entries: 3 }
  const set = reloading.loaded?.set
  writeFileSync(reloading.path('certs', 'a.pem'), carol.certificate.repeat(4))
  t.same(await reloading.load(), ['FST_ENDPOINT_LIST_TOO_MANY_ENTRIES'])
  t.equal(reloading.loaded?.set, set)
})
