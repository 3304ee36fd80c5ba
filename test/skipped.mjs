/** What the last run of tap has skipped for want of a program, as hasProgram in test/support/programs.ts says it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const results = fileURLToPath(new URL('../.tap/test-results', import.meta.url))

/** Says which programs were missing, and how many tests that skipped; gives the number. */
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
    console.log(`\n${skipped} tests were skipped, since programs that they run are missing: ${sorted.map(([program]) => program).join(', ')}.`)
    console.log(`On Debian: apt-get install ${[...new Set(sorted.map(([, debian]) => debian))].join(' ')}`)
  }
  return skipped
}
