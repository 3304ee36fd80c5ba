/** Runs before the tests, so that no test process has to load the compiler. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readStripped, root } from './stripped.mjs'

for (const folder of ['lib', 'types', 'test', 'examples', 'bench']) {
  for (const name of readdirSync(join(root, folder), { recursive: true })) {
    if (name.endsWith('.ts') && !name.endsWith('.d.ts')) readStripped(join(root, folder, name))
  }
}
