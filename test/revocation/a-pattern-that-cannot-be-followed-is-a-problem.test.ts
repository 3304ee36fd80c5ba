import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { expandPattern, type Expansion } from '../../lib/revocation/list/expand.js'
import { makeTestFolder } from '../support/test-folder.js'
import { withoutRightsOn } from '../support/without-rights.js'

const LOCATION = { file: 'list.txt', line: 7 }

function expand (folder: string, pattern: string, limit = 100): Promise<Expansion> {
  return expandPattern(pattern, { folder, limit, what: 'the list line 7', location: LOCATION, observed: new Map() })
}

t.test('a missing file named without wildcards is a problem', async (t) => {
  const folder = makeTestFolder(t, { 'a.pem': '' })
  for (const pattern of ['b.pem', '{a,b}.pem', 'sub/b.pem', 'a.pem/b']) {
    t.match((await expand(folder, pattern)).problems, [{ code: 'FST_ENDPOINT_LIST_MISSING', message: /^the list line 7: the file (does not exist \(ENOENT\)|cannot be examined \(ENOTDIR\))$/, ...LOCATION }], pattern)
  }
  t.same((await expand(folder, '{a,b}.pem')).paths, [join(folder, 'a.pem')], 'the other file is found')
})

t.test('a dangling link named without wildcards is a problem', async (t) => {
  const folder = makeTestFolder(t)
  symlinkSync('nowhere', join(folder, 'a.pem'))
  t.match((await expand(folder, 'a.pem')).problems, [{ code: 'FST_ENDPOINT_LIST_MISSING' }])
})

t.test('a missing folder before the first wildcard is a problem', async (t) => {
  const folder = makeTestFolder(t, { here: {} })
  const message = 'the list line 7: the folder before its first wildcard does not exist (ENOENT)'
  for (const pattern of ['certs/*.pem', 'here/certs/**', '{here,certs}/*.pem', join(folder, 'certs', '*')]) {
    t.match((await expand(folder, pattern)).problems, [{ code: 'FST_ENDPOINT_LIST_MISSING', message, ...LOCATION }], pattern)
  }
})

t.test('a problem that all alternatives of a pattern share is reported once', async (t) => {
  const folder = makeTestFolder(t, { here: {} })
  for (const [pattern, isUnseen] of [['{a,b}/*.pem', true], ['{a,b,c}/x.pem', true], ['{a,b}.pem', false]] as const) {
    const expansion = await expand(folder, pattern)
    t.equal(expansion.problems.length, 1, pattern)
    t.equal(expansion.isUnseen, isUnseen, pattern)
  }
  t.equal((await expand(folder, '{here,a.pem,gone/*}')).problems.length, 3, 'each different problem is reported')
})

t.test('a file instead of a folder before the first wildcard is a problem', async (t) => {
  const folder = makeTestFolder(t, { certs: '' })
  t.match((await expand(folder, 'certs/*.pem')).problems, [{
    code: 'FST_ENDPOINT_LIST_MISSING', message: 'the list line 7: the path before its first wildcard is not a folder'
  }])
})

t.test('a folder named without wildcards is a problem', async (t) => {
  const folder = makeTestFolder(t, { certs: {} })
  t.match((await expand(folder, 'certs')).problems, [{
    code: 'FST_ENDPOINT_FILE_NOT_REGULAR', message: `"${join(folder, 'certs')}" (the list line 7) is a directory (add /* to name the files in it): name a regular file`
  }])
})

t.test('folders without read permission are a problem', async (t) => {
  const folder = makeTestFolder(t, { a: { 'x.pem': '' }, b: {} })
  await withoutRightsOn([join(folder, 'b')], async () => {
    const { paths, problems } = await expand(folder, '*/*.pem')
    t.match(problems, [{
      code: 'FST_ENDPOINT_LIST_UNREADABLE',
      message: `the list line 7: a folder that it searches cannot be read: "${join(folder, 'b')}": permission denied (EACCES)`,
      cause: { code: 'EACCES' },
      ...LOCATION
    }])
    t.same(paths, [join(folder, 'a', 'x.pem')], 'the other files are found')
    t.match((await expand(folder, 'b/*.pem')).problems, [{ code: 'FST_ENDPOINT_LIST_UNREADABLE' }])
  })
})

t.test('several folders without read permission are counted', async (t) => {
  const folder = makeTestFolder(t, { b: {}, c: {} })
  await withoutRightsOn(['b', 'c'].map((name) => join(folder, name)), async () => {
    t.match((await expand(folder, '*/*.pem')).problems, [{ message: /\(and 1 more\)$/ }])
  })
})

t.test('a plain name below a folder without search permission is a problem', async (t) => {
  const folder = makeTestFolder(t, { b: { 'x.pem': '' } })
  await withoutRightsOn([join(folder, 'b')], async () => {
    t.match((await expand(folder, '*/x.pem')).problems, [{ code: 'FST_ENDPOINT_LIST_UNREADABLE' }])
  })
})

t.test('a circle of links instead of a folder is a problem', async (t) => {
  const folder = makeTestFolder(t)
  symlinkSync('circle', join(folder, 'circle'))
  t.match((await expand(folder, '*/*.pem')).problems, [{ code: 'FST_ENDPOINT_LIST_UNREADABLE', message: /form a loop/ }])
})

t.test('dangling links and files where a wildcard matches folders are ignored', async (t) => {
  const folder = makeTestFolder(t, { file: '' })
  symlinkSync('nowhere', join(folder, 'dangling'))
  symlinkSync('file', join(folder, 'link'))
  mkdirSync(join(folder, 'empty'))
  t.same(await expand(folder, '*/*.pem'), { paths: [], problems: [], isUnseen: false })
  t.same(await expand(folder, '*/sub/*.pem'), { paths: [], problems: [], isUnseen: false })
  t.same(await expand(folder, '*/x.pem'), { paths: [], problems: [], isUnseen: false })
})

t.test('more files than the limit are a problem', async (t) => {
  const folder = makeTestFolder(t, { 'a.pem': '', 'b.pem': '', 'c.pem': '' })
  t.same((await expand(folder, '*.pem', 3)).problems, [])
  t.match((await expand(folder, '*.pem', 2)).problems, [{
    code: 'FST_ENDPOINT_LIST_TOO_MANY_FILES', message: 'the list line 7 matches more files than limits.files allows (2): make the pattern narrower, use one CRL instead of many files, or raise the limit', ...LOCATION
  }])
})

t.test('a pattern that glob itself rejects is a problem', async (t) => {
  t.match((await expand(makeTestFolder(t), `${'x'.repeat(70_000)}*`)).problems, [{ code: 'FST_ENDPOINT_LIST_PATTERN', message: /^the list line 7: / }])
})
