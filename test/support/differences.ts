/** What docs/node-differences.md names, by its headings. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './documents.js'

/** The names in the first column of the table under a heading, in order of the alphabet. */
export function documentedDifferences (heading: string): string[] {
  const text = readFileSync(join(ROOT, 'docs', 'node-differences.md'), 'utf8')
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const rows = (section.split('\n## ')[0] as string).split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => [...(row.split('|')[1] as string).matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)).sort()
}
