/** Documents, comments and scripts name only tests that exist, even after tests are renamed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../support/documents.js'

const FOLDERS = ['.ci', '.github', 'bench', 'docs', 'examples', 'lib', 'test', 'types']

t.test('every text of the repository names only tests that exist', async (t) => {
  const inFolders = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  const files = [...readdirSync(ROOT), ...inFolders].filter((name) => /\.(?:md|ts|mjs|yml)$|^\.ci\/run$/.test(name) && name !== 'CHANGELOG.md')
  t.ok(files.length > 500, `${files.length} texts`)
  const gone = files.flatMap((file) => {
    const names = readFileSync(join(ROOT, file), 'utf8').match(/\btest\/[a-z0-9-]+\/[a-z0-9-]+\.test\.ts\b/g) ?? []
    return names.filter((name) => !existsSync(join(ROOT, name))).map((name) => `${file}: ${name}`)
  })
  t.same(gone, [])
})
