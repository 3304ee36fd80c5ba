/** Tests that the last run of tap skipped because a program is missing; hasProgram in test/support/programs.ts writes the reason. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const results = fileURLToPath(new URL('../.tap/test-results', import.meta.url))

/** Prints which programs are missing and how many tests that skipped; gives the number. */
export function reportSkipped () {
  const missing = new Map()
  let skipped = 0
  for (const file of readdirSync(results, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    for (const [, program, debian] of readFileSync(join(file.parentPath, file.name), 'utf8').matchAll(/# SKIP (.+) is missing: install the Debian package (\S+)$/gm)) {
      skipped++
      missing.set(program, debian)
    }
  }
  if (skipped > 0) {
    const sorted = [...missing].sort()
    console.log(`\n${skipped} ${skipped === 1 ? 'test was' : 'tests were'} skipped because programs are missing: ${sorted.map(([program]) => program).join(', ')}.`)
    console.log(`On Debian: apt-get install ${[...new Set(sorted.map(([, debian]) => debian))].join(' ')}`)
  }
  return skipped
}
