/** The chart and the tables of the comparison with other servers are what `npm run bench:peers -- --chart` makes of the results. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chartOf } from '../../bench/peers/chart.js'
import type { Results } from '../../bench/peers/results.js'
import { longTablesOf, shortTableOf } from '../../bench/peers/tables.js'
import { ROOT } from '../support/documents.js'

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const results = JSON.parse(read('bench/peers/results.json')) as Results

t.equal(read('docs/comparison.svg'), chartOf(results), 'the chart')
t.ok(read('docs/comparison.md').includes(shortTableOf(results)), 'the table of docs/comparison.md')
t.ok(read('bench/README.md').includes(longTablesOf(results)), 'the tables of bench/README.md')
t.ok(read('bench/README.md').replaceAll(/\s+/g, ' ').includes(results.about), 'what ran, in bench/README.md')
