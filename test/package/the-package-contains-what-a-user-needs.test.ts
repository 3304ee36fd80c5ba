import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { installed } from '../support/installed.js'

t.test('the package contains the programs, their types, its documents and its examples, and nothing else', (t) => {
  const folder = join(installed(), 'node_modules', 'fastify-endpoint')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
  t.same(files.filter((file) => !/^(dist|docs|examples)\//.test(file)).sort(),
    ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bench/README.md', 'package.json'])
  t.same(files.filter((file) => /^examples\//.test(file) && !/^examples\/([\w-]+\/)?(Dockerfile|[\w@-]+\.(ts|md|json|ya?ml|cfg|conf|socket|service))$/.test(file)), [], 'no keys that an example has made')
  t.same(files.filter((file) => /^docs\//.test(file) && !/^docs\/[\w-]+\.md$/.test(file)), [])
  const programs = files.filter((file) => file.startsWith('dist/'))
  t.same(programs.filter((file) => !/^dist\/(lib|types)\/[\w/-]+\.(js|d\.ts)$/.test(file)), [], 'no tests, no sources, no maps')
  for (const program of programs.filter((file) => file.endsWith('.js'))) t.ok(programs.includes(program.replace(/\.js$/, '.d.ts')), program)
  t.end()
})
