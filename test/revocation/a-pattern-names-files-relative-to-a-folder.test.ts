import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import type { Observation } from '../../lib/watching/observation.js'
import { expandPattern } from '../../lib/revocation/list/expand.js'
import { makeTestFolder } from '../support/test-folder.js'

const folder = makeTestFolder(t, {
  'a.pem': '',
  'b.pem': '',
  '.hidden.pem': '',
  '[x].pem': '',
  'A.PEM': '',
  sub: { 'c.pem': '', deep: { 'd.pem': '' }, 'folder.pem': {} },
  other: { 'c.pem': '' },
  empty: {}
})
symlinkSync('a.pem', join(folder, 'link.pem'))
symlinkSync('sub', join(folder, 'sub-link.pem'))
symlinkSync('nowhere', join(folder, 'dangling.pem'))

async function expand (pattern: string): Promise<{ paths: string[], problems: Error[], observed: string[] }> {
  const observed = new Map<string, Observation>()
  const { paths, problems } = await expandPattern(pattern, { folder, limit: 100, what: 'the list line 1', location: {}, observed })
  return { problems, paths: paths.map((path) => relative(folder, path)).sort(), observed: [...observed.keys()].map((path) => relative(folder, path) || '.').sort() }
}

const TOP = ['[x].pem', 'a.pem', 'b.pem', 'dangling.pem', 'link.pem']

const cases: Array<[pattern: string, paths: string[]]> = [
  ['a.pem', ['a.pem']],
  ['./a.pem', ['a.pem']],
  ['{a,b}.pem', ['a.pem', 'b.pem']],
  ['{a.pem,sub/*.pem}', ['a.pem', 'sub/c.pem']],
  ['*.pem', TOP],
  ['.*.pem', ['.hidden.pem']],
  ['*.PEM', ['A.PEM']],
  ['\\[x\\].pem', ['[x].pem']],
  ['[[]x].pem', ['[x].pem']],
  ['[ab].pem', ['a.pem', 'b.pem']],
  ['!(a|b|link|dangling).pem', ['[x].pem']],
  ['?.pem', ['a.pem', 'b.pem']],
  ['sub/*.pem', ['sub/c.pem']],
  ['*/c.pem', ['other/c.pem', 'sub-link.pem/c.pem', 'sub/c.pem']],
  ['sub/**/*.pem', ['sub/c.pem', 'sub/deep/d.pem']],
  ['empty/*', []],
  ['sub/../a.pem', ['a.pem']],
  ['sub//./c.pem', ['sub/c.pem']],
  ['{sub//./c.pem,a.pem}', ['a.pem', 'sub/c.pem']],
  [join(folder, 'sub/*.pem').replace(/[[\]]/g, '\\$&'), ['sub/c.pem']],
  [join(folder, 'a.pem'), ['a.pem']],
  ['{a,a}.pem', ['a.pem']]
]

for (const [pattern, paths] of cases) {
  t.test(pattern.replace(folder, ''), async (t) => {
    t.match(await expand(pattern), { paths, problems: [] })
    t.equal((await expand(pattern)).paths.length, paths.length)
  })
}

t.test('an expansion reports the paths that it checked and the folders that it read', async (t) => {
  t.same((await expand('a.pem')).observed, ['a.pem'])
  t.same((await expand('empty/*.pem')).observed, ['empty'])
  const { observed } = await expand('*/c.pem')
  t.ok(observed.includes('.'))
  t.ok(observed.includes(join('empty', 'c.pem')), 'a file that may appear in a folder that is not read')
})

t.test('a new file in a folder that a wildcard matches is seen by its own path', async (t) => {
  const observed = new Map<string, Observation>()
  const options = { folder, limit: 100, what: '', location: {}, observed }
  await expandPattern('*/e.pem', options)
  const path = join(folder, 'empty', 'e.pem')
  t.same(observed.get(path), { error: 'ENOENT' })
  mkdirSync(join(folder, 'empty'), { recursive: true })
  writeFileSync(path, '')
  t.teardown(() => rmSync(path))
  t.same((await expandPattern('*/e.pem', { ...options, observed: new Map() })).paths, [path])
})
