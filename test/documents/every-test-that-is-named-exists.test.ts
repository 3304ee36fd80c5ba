/** A document, a comment or a script that names a test names one that is there: tests are renamed. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../support/documents.js'

t.test('in every text of the repository', { skip: existsSync(join(ROOT, '.git')) ? false : 'this is no clone' }, async (t) => {
  const files = execFileSync('git', ['ls-files', '-z', '--', '*.md', '*.ts', '*.mjs', '*.yml', '.ci'], { cwd: ROOT, encoding: 'utf8' }).split('\0')
  const gone = files.filter((file) => file !== '' && file !== 'CHANGELOG.md').flatMap((file) => {
    const names = readFileSync(join(ROOT, file), 'utf8').match(/\btest\/[a-z0-9-]+\/[a-z0-9-]+\.test\.ts\b/g) ?? []
    return names.filter((name) => !existsSync(join(ROOT, name))).map((name) => `${file}: ${name}`)
  })
  t.same(gone, [])
})
