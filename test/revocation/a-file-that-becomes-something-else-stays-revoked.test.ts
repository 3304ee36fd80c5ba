import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { createAuthority } from '../support/pki.js'
import { Reloading } from '../support/reloading.js'
import { makeTestFolder } from '../support/test-folder.js'

const authority = await createAuthority()
const [alice, bob] = [await authority.issue({ name: 'alice' }), await authority.issue({ name: 'bob' })]
const DELAY = 2000

async function start (t: Test, list: string): Promise<Reloading> {
  const reloading = new Reloading(makeTestFolder(t, { 'revoked.txt': list, folder: {}, certs: { one: { 'a.pem': alice.certificate }, 'b.pem': bob.certificate } }))
  reloading.removalDelay = DELAY
  t.same(await reloading.pass(0), [])
  return reloading
}

const WAYS: Array<[what: string, make: (path: string) => void, code: string]> = [
  ['a folder', (path) => mkdirSync(path), 'FILE_NOT_REGULAR'],
  ['a link to a folder', (path) => symlinkSync('../folder', path), 'FILE_NOT_REGULAR'],
  ['a FIFO', (path) => execFileSync('mkfifo', [path]), 'FILE_NOT_REGULAR'],
  ['a link to a device', (path) => symlinkSync('/dev/null', path), 'FILE_NOT_REGULAR'],
  ['a link to itself', (path) => symlinkSync('b.pem', path), 'FILE_UNREADABLE'],
  ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), 'FILE_UNREADABLE']
]

for (const [what, make, code] of WAYS) {
  for (const [pattern, name] of [['certs/*.pem', 'of one folder'], ['certs/**/*.pem', 'of all folders']] as const) {
    t.test(`a file that becomes ${what} stays revoked, with a pattern ${name}`, async (t) => {
      for (const isSeen of [false, true]) {
        const reloading = await start(t, `${pattern}\n`)
        rmSync(reloading.path('certs', 'b.pem'))
        if (isSeen) await reloading.pass(DELAY - 1)
        make(reloading.path('certs', 'b.pem'))
        for (let round = 0; round < 3; round++) {
          // A link is followed where a pattern looks into all folders.
          t.same((await reloading.pass(DELAY)).filter((code) => code !== 'FST_ENDPOINT_LIST_UNREADABLE'), [`FST_ENDPOINT_${code}`])
          t.same(reloading.revoked(bob), ['bob'], isSeen ? 'also where it was seen to be gone before' : 'at once')
        }
        rmSync(reloading.path('certs', 'b.pem'), { recursive: true })
        writeFileSync(reloading.path('certs', 'b.pem'), alice.certificate)
        t.same(await reloading.pass(DELAY), [])
        t.same(reloading.revoked(bob), ['bob'], 'its previous content waits then')
        t.same(await reloading.pass(DELAY), [])
        t.same(reloading.revoked(bob), [])
      }
    })
  }
}

t.test('a folder that was never a file is ignored', async (t) => {
  const reloading = await start(t, 'certs/**/*.pem\n')
  mkdirSync(reloading.path('certs', 'c.pem'))
  writeFileSync(reloading.path('certs', 'c.pem', 'd.pem'), bob.certificate)
  t.same(await reloading.pass(0), [])
})

t.test('certificates stay revoked when their folder becomes something else, and the problem is reported', async (t) => {
  for (const [make, message] of [
    [(path: string) => writeFileSync(path, ''), /its folder is no longer a folder/],
    [(path: string) => symlinkSync('nowhere', path), /its folder is a symbolic link that leads nowhere/],
    [(path: string) => symlinkSync('one', path), /its symbolic links form a loop/]
  ] as const) {
    const reloading = await start(t, 'certs/*/*.pem\n')
    renameSync(reloading.path('certs', 'one'), reloading.path('away'))
    make(reloading.path('certs', 'one'))
    await reloading.pass(0)
    for (let round = 0; round < 2; round++) {
      t.ok((await reloading.pass(DELAY)).includes('FST_ENDPOINT_FILE_UNREADABLE'))
      t.match(reloading.loaded?.problems.at(-1), { message })
      t.same(reloading.revoked(alice), ['alice'])
    }
    unlinkSync(reloading.path('certs', 'one'))
    t.same(await reloading.pass(DELAY - 1), [])
    t.same(reloading.revoked(alice), ['alice'], 'and until it has been gone for long enough')
    t.same(await reloading.pass(DELAY), [])
    t.same(reloading.revoked(alice), [])
  }
})

t.test('certificates are no longer revoked when their folder is removed with its contents', async (t) => {
  const reloading = await start(t, 'certs/**/*.pem\n')
  rmSync(reloading.path('certs', 'one', 'a.pem'))
  rmdirSync(reloading.path('certs', 'one'))
  await reloading.pass(0)
  t.same(await reloading.pass(DELAY), [])
  t.same(reloading.revoked(alice, bob), ['bob'])
})
