import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { installed } from '../support/installed.js'

t.test('the package contains the programs, their types, its documents and its examples, and nothing else', (t) => {
  const folder = join(installed(), 'node_modules', 'fastify-endpoint')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
  t.same(files.filter((file) => !/^(dist|docs|examples)\//.test(file)).sort(),
    ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md', 'bench/README.md', 'package.json'])
  t.same(files.filter((file) => /^examples\//.test(file) && !/^examples\/([\w-]+\/)?(Dockerfile|[\w@-]+\.(ts|md|json|ya?ml|cfg|conf|socket|service))$/.test(file)), [], 'no keys that an example has created')
  t.same(files.filter((file) => /^docs\//.test(file) && !/^docs\/[\w-]+\.(md|svg)$/.test(file)), [])
  const programs = files.filter((file) => file.startsWith('dist/'))
  const bundle = programs.filter((file) => file.startsWith('dist/bundle/'))
  t.same(programs.filter((file) => !bundle.includes(file) && !/^dist\/declarations\/(lib|types)\/[\w/-]+\.d\.ts$/.test(file)), [], 'no tests and no sources')
  t.same(bundle.filter((file) => !/^dist\/bundle\/[\w-]+\.js(\.map)?$/.test(file)), [])
  t.ok(bundle.length < 80, `${bundle.length} files in the bundle`)
  t.end()
})
