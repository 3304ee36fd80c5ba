/**
 * What a fleet of nodes costs the server of its CRL, a real nginx:
 *
 *     node dist/bench/origin.js [--nodes 200] [--entries 1000000]
 *
 * Each node has the sources of one list: a CRL, and the delta CRL that it names. They are asked as often as said, one after
 * the other, since only bytes are counted; when they would ask by themselves is a matter of jitter, and at the end.
 * Nothing is parsed, since the client's work is measured by bench/crl.ts.
 */
import { parseArgs } from 'node:util'
import type { Test } from 'tap'
import { waitFor } from '../lib/revocation/sources/http/freshness.js'
import { HttpSource } from '../lib/revocation/sources/http/source.js'
import { makeCrl } from '../test/support/crl.js'
import { makeLargeCrl } from '../test/support/large-crl.js'
import { startNginxSite } from '../test/support/nginx-site.js'
import { createAuthority } from '../test/support/pki.js'

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '200' }, entries: { type: 'string', default: '1000000' } } })
const NODES = Number(values.nodes)
const ENTRIES = Number(values.entries)
const FLEET = 10_000
const HOUR = 3_600_000
const LIMITS = { fileBytes: 256 * 1024 * 1024, entries: ENTRIES }

const endings: Array<() => unknown> = []
// All that the support needs of a test.
const t = { teardown: (end: () => unknown) => { endings.unshift(end) } } as unknown as Test

interface Node {
  readonly sources: readonly [HttpSource, HttpSource]
  readonly versions: Array<string | undefined>
}

try {
  const ca = await createAuthority()
  const nginx = await startNginxSite(t, { directives: 'location = /delta.crl { gzip on; gzip_min_length 256; gzip_types application/pkix-crl; }' })
  const full = makeLargeCrl(ca, { count: ENTRIES, number: 1 }).der
  const putDelta = (number: number, count: number): Promise<void> => nginx.put('delta.crl', count === 0
    ? makeCrl(ca, { number, base: 1 }).der
    : makeLargeCrl(ca, { number, base: 1, count, seed: 2 }).der)
  await nginx.put('full.crl', full)
  await putDelta(1, 0)
  const urls = ['/full.crl', '/delta.crl'].map((path) => nginx.url(path))
  const open = (versions: Node['versions'] = []): Node => ({
    sources: urls.map((url) => new HttpSource(url, { limits: LIMITS })) as unknown as Node['sources'], versions
  })
  let nodes = Array.from({ length: NODES }, () => open())
  let bytes = 0
  const rows: string[] = []
  const measure = async (what: string): Promise<number> => {
    for (const { sources, versions } of nodes) {
      for (const [index, source] of sources.entries()) versions[index] = (await source.load(AbortSignal.timeout(60_000), versions[index])).version
    }
    const before = bytes
    await nginx.untilAnswered((rows.length + 1) * 2 * NODES)
    bytes = await nginx.bytes()
    const each = (bytes - before) / NODES
    rows.push(`| ${what} | ${Math.round(each).toLocaleString('en')} | ${(100 * each / full.length).toFixed(4)} % | ${((each * FLEET) / 1e9).toPrecision(3)} GB |`)
    process.stderr.write(`${what}\n`)
    return each
  }
  await measure('the first start, or a new full CRL')
  await measure('a look without a change')
  await putDelta(2, 10)
  const change = await measure('ten new entries')
  await putDelta(25, 240)
  const last = await measure('the 24th such change since the full CRL')
  nodes = nodes.map(({ versions }) => open(versions))
  await measure('a restart of all, with copies')
  const day = 24 * (change + last) / 2
  const text = [
    `${NODES} nodes, a CRL of ${(full.length / 1e6).toFixed(1)} MB with ${ENTRIES.toLocaleString('en')} entries.`,
    '', '| what each node asks for | bytes a node | of the full CRL | 10,000 nodes |', '|---|--:|--:|--:|', ...rows, '',
    '| 24 looks in a day, each with ten new entries | of 24 full CRLs |', '|---|--:|',
    ...[['no full CRL in the day', day], ['a full CRL each week', day + full.length / 7], ['a full CRL each day', day + full.length]].map(([what, sum]) =>
      `| ${what} | ${(100 * (sum as number) / (24 * full.length)).toFixed(3)} % |`),
    '', '| a full CRL is published | in the busiest second | in the busiest minute |', '|---|--:|--:|',
    ...[['an hour before nextUpdate', -HOUR], ['at nextUpdate', 0]].map(([what, at]) => `| ${what} | ${busiest(at as number, 1000)} | ${busiest(at as number, 60_000)} |`)
  ]
  process.stdout.write(`${text.join('\n')}\n`)
} finally {
  for (const end of endings) await end()
}

/** How many of 10,000 nodes fetch a CRL in the busiest span, by the jitter of the client; its lifetime is a day. */
function busiest (published: number, span: number): string {
  const counts = new Map<number, number>()
  for (let node = 0; node < FLEET; node++) {
    let now = -24 * HOUR + Math.random() * HOUR
    while (now < published) now += waitFor({}, 0, { floor: 30_000, ceiling: HOUR }, now, Math.random())
    const slot = Math.floor(now / span)
    counts.set(slot, (counts.get(slot) ?? 0) + 1)
  }
  return Math.max(...counts.values()).toLocaleString('en')
}
