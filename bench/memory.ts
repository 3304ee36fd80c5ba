/**
 * What connections cost in memory: our server and Fastify's own.
 *
 *     npm run bench:memory -- [--open 10000] [--rounds 3] [--connections 1000000] [--only 'idle, TCP']
 *
 * The first table has the memory of each idle connection: it is open, and its one request was answered seconds ago. Each round starts
 * new processes. The second has the memory of two processes while many connections come and go, each with one request.
 * `--only` selects by a part of `idle, TCP`, `idle, mutual TLS`, `churn, TCP`, or `churn, mutual TLS`. The tables are printed on standard output, the progress on standard error.
 */
import { cpus } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { askOnce, KeptAlive, type Load, type Target } from './load.js'
import { ServerProcess, takeOwnCore, type Side } from './server-process.js'
import type { Memory } from './server.js'
import { makeSite, type Site } from './site.js'
import { median } from './table.js'

const { values } = parseArgs({
  options: {
    open: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '1000000' },
    only: { type: 'string', default: '' }
  }
})
const OPEN = Number(values.open)

type Type = 'tcp' | 'tls'

const NAMES: Record<Type, string> = { tcp: 'TCP', tls: 'mutual TLS 1.3' }
const SIDES = ['ours', 'bare'] as const

/** Connections that are being opened at the same time. */
const PARALLEL = 16

/** Connections before each measurement, for what the first ones load and compile. */
const WARM_UP = 500

/** Milliseconds after the last request: each server releases what it needs no more. */
const REST = 3000

/** The part of all connections that come and go over TLS, whose handshakes take ten times as long. */
const TLS_PART = 0.1

/** Samples while connections come and go. */
const SAMPLES = 10

function targetOf (site: Site, type: Type, { port }: ServerProcess): Target {
  return { port, context: type === 'tcp' ? undefined : site.client('TLSv1.3', 'direct') }
}

/** Does something so many times, some of them at the same time. */
async function times (count: number, act: () => Promise<void>): Promise<void> {
  let left = count
  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    while (left-- > 0) await act()
  }))
}

/** Memory of each of the connections that a new server holds open, in bytes. */
async function measureIdle (site: Site, type: Type, side: Side, pinned: boolean): Promise<Memory> {
  const server = await ServerProcess.start(side, type, site.folder, pinned)
  const clients: Load[] = []
  try {
    const target = targetOf(site, type, server)
    await times(WARM_UP, () => askOnce(target))
    await pause(REST)
    const before = await server.memory()
    await times(OPEN, async () => {
      const client = await KeptAlive.open(target, 1)
      clients.push(client)
      // One request.
      await client.run(0)
    })
    await pause(REST)
    const after = await server.memory()
    return { rss: (after.rss - before.rss) / OPEN, heap: (after.heap - before.heap) / OPEN }
  } finally {
    for (const client of clients) client.close()
    await server.stop()
  }
}

async function idleRow (site: Site, type: Type, pinned: boolean): Promise<string> {
  const rounds: Record<Side, Memory[]> = { ours: [], bare: [] }
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      console.error(`${NAMES[type]}, ${side}, round ${round + 1} …`)
      rounds[side].push(await measureIdle(site, type, side, pinned))
    }
  }
  const columns = (['rss', 'heap'] as const).flatMap((kind) => {
    const [ours, bare] = SIDES.map((side) => rounds[side].map((memory) => memory[kind])) as [number[], number[]]
    const ratios = ours.map((value, index) => value / (bare[index] as number))
    return [
      whole(median(ours)),
      whole(median(bare)),
      `**${(median(ours) / median(bare)).toFixed(3)}** (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`
    ]
  })
  return `| ${[NAMES[type], ...columns].join(' | ')} |`
}

/** Memory of both servers after each tenth of the connections, in rows, and how much of it each connection has left behind. */
async function churnRows (site: Site, type: Type, count: number, pinned: boolean): Promise<string[]> {
  const servers: ServerProcess[] = []
  try {
    const samples: Record<Side, Memory[]> = { ours: [], bare: [] }
    for (const side of SIDES) servers.push(await ServerProcess.start(side, type, site.folder, pinned))
    const each = Math.ceil(count / SAMPLES)
    for (let sample = 0; sample <= SAMPLES; sample++) {
      for (const server of sample % 2 === 0 ? servers : servers.toReversed()) {
        const target = targetOf(site, type, server)
        await times(sample === 0 ? Math.min(each, WARM_UP * PARALLEL) : each, () => askOnce(target))
        await pause(REST)
        samples[server.side].push(await server.memory())
      }
      console.error(`${NAMES[type]}, ${sample} of ${SAMPLES} …`)
    }
    const columns = SIDES.flatMap((side) => (['rss', 'heap'] as const).map((kind) => samples[side].map((memory) => memory[kind])))
    const rows = Array.from({ length: SAMPLES + 1 }, (_, index) =>
      `| ${[NAMES[type], whole(index * each), ...columns.map((column) => ((column[index] as number) / 1e6).toFixed(1))].join(' | ')} |`)
    const slopes = columns.map((column) => {
      const { slope, error } = trendOf(column.slice(SAMPLES / 2))
      return `${(slope / each).toFixed(2)} ± ${(error / each).toFixed(2)}`
    })
    return [...rows, `| ${NAMES[type]} | bytes per connection, second half | ${slopes.join(' | ')} |`]
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

/** The line through the values (least squares): by how much it rises from one to the next, and the standard error of that. */
function trendOf (numbers: readonly number[]): { slope: number, error: number } {
  const centre = (numbers.length - 1) / 2
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length
  const squares = numbers.reduce((sum, _value, index) => sum + (index - centre) ** 2, 0)
  const slope = numbers.reduce((sum, value, index) => sum + (index - centre) * (value - mean), 0) / squares
  const residues = numbers.reduce((sum, value, index) => sum + (value - mean - slope * (index - centre)) ** 2, 0)
  return { slope, error: Math.sqrt(residues / (numbers.length - 2) / squares) }
}

function whole (value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** The server needs a descriptor for each connection, and so does this process. */
function checkDescriptors (): void {
  const { userLimits } = process.report?.getReport() as unknown as { userLimits?: { open_files: { soft: number | string } } }
  const limit = Number(userLimits?.open_files.soft)
  if (limit < OPEN + 2 * WARM_UP) throw new Error(`only ${limit} descriptors: raise "ulimit -n", or lower --open`)
}

/** The types that are selected for a part. */
function selected (part: 'idle' | 'churn'): Type[] {
  return (['tcp', 'tls'] as const).filter((type) => `${part}, ${NAMES[type]}`.includes(values.only))
}

checkDescriptors()
const pinned = takeOwnCore()
const site = await makeSite()
try {
  const environment = `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}`
  const idle: string[] = []
  for (const type of selected('idle')) idle.push(await idleRow(site, type, pinned))
  if (idle.length > 0) {
    console.log([
      `${environment}, ${whole(OPEN)} idle connections, ${values.rounds} rounds, bytes of each connection`,
      '',
      '| | ours, resident | bare, resident | ours / bare | ours, heap | bare, heap | ours / bare |\n|---|--:|--:|--:|--:|--:|--:|',
      ...idle,
      ''
    ].join('\n'))
  }
  const churn: string[] = []
  for (const type of selected('churn')) {
    churn.push(...await churnRows(site, type, Number(values.connections) * (type === 'tls' ? TLS_PART : 1 - TLS_PART), pinned))
  }
  if (churn.length > 0) {
    console.log([
      `${environment}, connections to each server, MB after a garbage collection`,
      '',
      '| | connections | ours, resident | ours, heap | bare, resident | bare, heap |\n|---|--:|--:|--:|--:|--:|',
      ...churn
    ].join('\n'))
  }
} finally {
  await site.remove()
}
