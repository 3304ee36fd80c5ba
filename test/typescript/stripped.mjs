/**
 * Removes the types of TypeScript. The rest keeps its place, so that lines and columns of errors and coverage are those of the
 * source, without source maps.
 *
 * The result is cached on disk: the tests are hundreds of processes, and for most of them the compiler would be most of the work.
 */
import { mkdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const require = createRequire(import.meta.url)
const kept = join(root, '.tap', 'stripped')

/** A file as JavaScript. */
export function readStripped (path) {
  const copy = join(kept, relative(root, path))
  const { mtime } = statSync(path)
  const written = statSync(copy, { throwIfNoEntry: false })
  // A copy has the modification time of its source; comparing for equality also notices an older source.
  if (written?.mtime.getTime() === mtime.getTime()) return readFileSync(copy, 'utf8')
  return strip(path, copy, mtime)
}

function strip (path, copy, mtime) {
  // The compiler takes longer to load than most tests take to run.
  const { default: blankSpace } = require('ts-blank-space')
  const others = []
  const code = blankSpace(readFileSync(path, 'utf8'), (node) => { others.push(node.getText()) })
  if (others.length > 0) throw new SyntaxError(`${path} holds TypeScript that is more than types: ${others[0]}`)
  mkdirSync(dirname(copy), { recursive: true })
  const partial = `${copy}.${process.pid}`
  writeFileSync(partial, code)
  utimesSync(partial, mtime, mtime)
  renameSync(partial, copy)
  return code
}
