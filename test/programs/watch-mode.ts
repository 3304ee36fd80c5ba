/**
 * Looks at a path without a pause, from before a socket is there, and prints every mode that it was
 * ever seen with.
 */
import { lstatSync } from 'node:fs'

const path = process.argv[2] as string
const DEADLINE = Date.now() + 60_000
const seen = new Set<string>()

console.log('watching')
let looks = 0
while (looks < 20_000 && Date.now() < DEADLINE) {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) continue
  seen.add((found.mode & 0o7777).toString(8))
  looks++
}
console.log(`seen ${[...seen].join(' ')}`)
