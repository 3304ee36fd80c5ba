import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../support/documents.js'
import { run } from '../support/programs.js'
import { makeTestFolder } from '../support/test-folder.js'

t.test('npm would correct nothing in package.json when it publishes', async (t) => {
  const folder = makeTestFolder(t, {})
  copyFileSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  t.match(await run('npm', ['pkg', 'fix', '--prefix', folder], { env: { ...process.env, NODE_OPTIONS: '' } }), { status: 0 })
  t.same(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')))
})
