/** docs/design.md and CONTRIBUTING.md name files and folders that exist, and the table of rooms has each folder of lib/ and no other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../support/documents.js'

const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8')

for (const document of ['docs/design.md', 'CONTRIBUTING.md']) {
  t.test(`${document} names files that exist`, async (t) => {
    const paths = [...read(document).matchAll(/`((?:lib|types|test|bench|examples|docs)\/[\w@./-]*)`/g)].map(([, path]) => path as string)
    t.ok(paths.length > 5, 'paths were found')
    t.strictSame(paths.filter((path) => !existsSync(join(ROOT, path))), [])
  })
}

t.test('the table of rooms has each folder of lib/, and the table below it each file', async (t) => {
  const [, rooms = ''] = /^## The rooms\n([^]*?)^## /m.exec(read('docs/design.md')) ?? []
  const named = [...rooms.matchAll(/^\| `([\w./-]+)` \|/gm)].map(([, name]) => name as string)
  const entries = readdirSync(join(ROOT, 'lib'), { withFileTypes: true })
  t.strictSame(named.sort(), entries.map((entry) => entry.isDirectory() ? `${entry.name}/` : entry.name).sort())
})
