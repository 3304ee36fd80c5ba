/** Each round of a server is compared with the same round of bare Fastify: the table and the chart show the median and the spread. */
import t from 'tap'
import { chartOf } from '../../bench/peers/chart.js'
import { percentile, ratioOf, type Measured, type Results, type Round, type ServerName } from '../../bench/peers/results.js'
import { longTablesOf, shortTableOf } from '../../bench/peers/tables.js'

/** A server whose rounds took so many µs. */
function measured (server: ServerName, node: string, entries: number, processor: readonly number[], more: Partial<Round> = {}): Measured {
  const rounds = processor.map((time) => ({ processor: time, perSecond: 1e6 / time, clients: 0.5, p50: time / 1000, p99: time / 500, samples: 200, ...more }))
  return { server, node, entries, start: { clock: 0.5, processor: 0.4 }, memory: 50e6, rounds: { full: rounds, resumed: rounds, request: rounds } }
}

const ours = measured('ours', '20.1.0', 1000, [110, 240, 300])
const newer = measured('ours', '24.1.0', 1000, [90, 90, 90])
const nginx = measured('nginx', '', 0, [50, 100, 100], { clients: 0.99 })
const results: Results = {
  about: 'A test',
  measured: [ours, measured('bare', '20.1.0', 0, [100, 200, 300]), newer, measured('bare', '24.1.0', 0, [100, 100, 100], { samples: 3 }), nginx]
}

t.test('the reference is bare Fastify on the same Node.js, or on the first one', (t) => {
  t.match(ratioOf(results, ours, 'full', 'processor'), { median: 1.1, least: 1, most: 1.2 })
  t.match(ratioOf(results, newer, 'full', 'processor'), { median: 0.9, least: 0.9, most: 0.9 })
  t.match(ratioOf(results, nginx, 'full', 'processor'), { median: 0.5, least: 1 / 3, most: 0.5 })
  t.equal(ratioOf({ about: '', measured: [ours] }, ours, 'full', 'processor'), undefined, 'without a reference there is no ratio')
  t.end()
})

t.test('a percentile is a value of the sample', (t) => {
  t.same([0.5, 0.99, 1].map((part) => percentile([3, 1, 2, 4], part)), [2, 4, 4])
  t.same([percentile([7], 0.5), percentile([], 0.5)], [7, NaN])
  t.end()
})

t.test('the tables have all servers, and mark what the clients limit and what few samples say', (t) => {
  t.match(shortTableOf(results), '| fastify-endpoint (Node 20) |  | **1.10** (1.00 to 1.20) | **1.10** (1.00 to 1.20) | **1.10** (1.00 to 1.20) |')
  t.match(shortTableOf(results), '| nginx | **0.50** (0.33 to 0.50) |  |')
  const full = longTablesOf(results).split('\n\n')[1] as string
  t.match(full, '| nginx | no CRL | 100 | **0.50** (0.33 to 0.50) | 10,000 † | 99 % | 0.10 | **0.50** (0.33 to 0.50) | 0.20 |')
  t.match(full, '| bare Fastify (Node 24) | no CRL | 100 | 1 | 10,000 | 50 % | 0.10 | 1 | 0.20 ‡ |')
  t.end()
})

t.test('the chart shows and describes each of them', (t) => {
  const chart = chartOf(results)
  t.equal(chart, chartOf(results))
  t.notMatch(chart, /NaN|undefined|Infinity/)
  t.equal(chart.match(/class="spread /g)?.length, 5 * 3)
  t.match(chart, /<title id="title">[^<]+<\/title>/)
  t.match(chart, 'nginx: without a CRL full handshake 0.50, resumed handshake 0.50, request 0.50.')
  t.end()
})
